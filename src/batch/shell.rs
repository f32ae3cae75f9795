//! The command line that does the same as a plan: `brushwood predict` with every setting spelled out.

use std::path::Path;

use super::plan::{Input, Plan, PlannedInput};
use crate::data::AxisOrder;
use crate::io;

/// `text` as a POSIX shell takes it for one word.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Images that one command line can take together.
struct Group<'a> {
    /// The output name, where the image's own name in the project stands for its file's.
    template: String,
    axes: Option<&'a AxisOrder>,
    has_masks: bool,
    inputs: Vec<&'a Input>,
}

impl Plan {
    /// The command lines that do the same for the project as it is saved at `project`: one, or several
    /// where images differ in what only a whole command line can state. Images that can't be computed
    /// are left out.
    pub fn command_lines(&self, project: &Path) -> Vec<String> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (input, planned) in self.request().inputs.iter().zip(&self.inputs) {
            if !planned.is_possible() {
                continue;
            }
            let template = self.template_for(planned);
            let axes = planned.own_axes.as_ref().or(self.request().input_axes.as_ref());
            let has_masks = input.mask.is_some();
            let known = groups
                .iter_mut()
                .find(|group| (&group.template, group.axes, group.has_masks) == (&template, axes, has_masks));
            match known {
                Some(group) => group.inputs.push(input),
                None => groups.push(Group { template, axes, has_masks, inputs: vec![input] }),
            }
        }
        groups.iter().map(|group| self.command_line(project, group)).collect()
    }

    /// The output name as an absolute one, so that it means the same from any folder.
    fn template_for(&self, planned: &PlannedInput) -> String {
        let mut template = self.template().to_owned();
        if let Some(nickname) = &planned.nickname {
            template = template.replace("{nickname}", &nickname.replace('{', "{{").replace('}', "}}"));
        }
        let is_absolute = ["/", "~", "{dataset_dir}"].iter().any(|start| template.starts_with(start));
        match &self.request().folder {
            Some(folder) if !is_absolute => {
                // The project may have been opened from its own folder, by its name alone.
                let folder =
                    std::path::absolute(Path::new(".").join(folder)).unwrap_or_else(|_| folder.clone());
                let folder = folder.display().to_string().replace('{', "{{").replace('}', "}}");
                format!("{}/{template}", folder.trim_end_matches('/'))
            }
            _ => template,
        }
    }

    fn command_line(&self, project: &Path, group: &Group<'_>) -> String {
        let request = self.request();
        let mut words = vec!["brushwood".to_owned(), "predict".to_owned()];
        let mut option = |name: &str, value: &str| words.extend([format!("--{name}"), quote(value)]);
        option("project", &absolute(&project.display().to_string()));
        for source in &request.sources {
            option("export-source", source.name());
        }
        let format = self.format();
        option("output-format", format);
        option("output-filename-format", &group.template);
        if io::output_format(format).is_ok_and(|format| format.has_datasets()) {
            option("output-internal-path", self.internal_path());
        }
        if let Some(axes) = &request.output_axes {
            option("output-axis-order", &axes.to_string());
        }
        if let Some(subregion) = &request.subregion {
            option("cutout-subregion", &subregion.to_string());
        }
        if let Some(map) = request.renormalization {
            option("pipeline-result-drange", &format!("({},{})", map.from.0, map.from.1));
            option("export-drange", &format!("({},{})", map.to.0, map.to.1));
        }
        if let Some(dtype) = request.dtype {
            option("export-dtype", dtype.name());
        }
        match (group.axes, &request.mask_axes) {
            (Some(axes), Some(mask)) => option("input-axes", &format!("{axes},{mask}")),
            (Some(axes), None) => option("input-axes", &axes.to_string()),
            (None, _) => {}
        }
        if let Some(axis) = request.stack_along {
            option("stack-along", &axis.key().to_string());
        }
        if request.ignore_training_axes {
            words.push("--ignore-training-axistags".into());
        }
        if request.overwrite {
            words.push("--overwrite".into());
        }
        words.extend(group.inputs.iter().map(|input| quote(&absolute(&input.raw))));
        if group.has_masks {
            words.push("--prediction-mask".into());
            let masks = group.inputs.iter().filter_map(|input| input.mask.as_deref());
            words.extend(masks.map(|mask| quote(&absolute(mask))));
        }
        words.join(" ")
    }
}

/// A location, of a stack each part, from the root.
fn absolute(location: &str) -> String {
    let parts = location.split(':').map(|part| match std::path::absolute(part) {
        Ok(path) => path.display().to_string(),
        Err(_) => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        for (word, expected) in [
            ("a/b_c.tif", "a/b_c.tif"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", "'it'\\''s'"),
            ("{nickname}", "'{nickname}'"),
            ("$HOME;rm", "'$HOME;rm'"),
        ] {
            assert_eq!(quote(word), expected);
            let script = format!("printf %s {}", quote(word));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("sh runs");
            assert_eq!(String::from_utf8_lossy(&output.stdout), word);
        }
    }
}
