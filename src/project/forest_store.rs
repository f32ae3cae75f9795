//! The stored classifier: `ClassifierForests` and VIGRA's arrays of a tree.
//!
//! A project holds several forests (one per thread of the program that trained); they are merged into
//! one in their sorted order.

use hdf5_pure::AttrValue;

use super::model::MAX_TREES;
use super::plan::Plan;
use super::stored::{Damage, Folder, Result};
use super::value::Value;
use crate::classify::{Forest, Node, Tree};
use crate::data::classes::MAX_CLASSES;

/// Python's pickle of ilastik's classifier class.
const PICKLED_TYPE: &str =
    "clazyflow.classifiers.parallelVigraRfLazyflowClassifier\nParallelVigraRfLazyflowClassifier\np0\n.";

/// A classifier as stored.
pub(super) struct StoredForest {
    /// All trees of all stored forests.
    pub forest: Forest,
    /// Names of the features it was trained with; empty when the file does not say.
    pub feature_names: Vec<String>,
}

/// Reads the classifier of the `PixelClassification` group; `None` when it was never trained.
pub(super) fn read(classification: &Folder) -> Result<Option<StoredForest>> {
    let Some(folder) = classification.folder("ClassifierForests")? else { return Ok(None) };
    let mut trees = Vec::new();
    let mut feature_count = None;
    let mut labels: Option<Vec<i64>> = folder.integers("known_labels")?.map(|numbers| numbers.values);
    for name in folder.groups().iter().filter(|name| name.starts_with("Forest")) {
        let Some(part) = folder.folder(name)? else { continue };
        if labels.is_none()
            && let Some(parameters) = part.folder("_ext_param")?
        {
            labels = parameters.integers("labels")?.map(|numbers| numbers.values);
        }
        for tree_name in part.groups().iter().filter(|name| !name.starts_with('_')) {
            let Some(tree) = part.folder(tree_name)? else { continue };
            trees.push(read_tree(&tree, &mut feature_count, labels.as_ref().map_or(0, Vec::len))?);
        }
    }
    let (Some(feature_count), Some(labels)) = (feature_count, labels) else { return Ok(None) };
    let classes: Option<Vec<u8>> = labels
        .iter()
        .map(|&label| u8::try_from(label).ok().filter(|&l| (1..=MAX_CLASSES).contains(&usize::from(l))))
        .collect();
    let classes = classes.ok_or_else(|| folder.damage("known_labels", "it names labels beyond 1 to 99"))?;
    let feature_names = folder.texts("feature_names")?.unwrap_or_default();
    Ok(Some(StoredForest { forest: Forest { trees, classes, feature_count }, feature_names }))
}

/// The class of a stored classifier that is no forest of VIGRA's, from its pickled type.
pub(super) fn other_kind(classification: &Folder) -> Result<Option<String>> {
    let Some(folder) = classification.folder("ClassifierForests")? else { return Ok(None) };
    if folder.groups().iter().any(|name| name.starts_with("Forest")) {
        return Ok(None);
    }
    let pickle = folder.text("pickled_type")?.unwrap_or_default();
    // "c", the module, the class, each on a line.
    Ok(pickle.lines().nth(1).filter(|class| *class != "ParallelVigraRfLazyflowClassifier").map(str::to_owned))
}

/// Reads a tree; the first one says how many features there are.
fn read_tree(folder: &Folder, feature_count: &mut Option<usize>, class_count: usize) -> Result<Tree> {
    let missing = |what| folder.damage(what, "it is missing");
    let topology = folder.int32s("topology")?.ok_or_else(|| missing("topology"))?;
    let parameters = folder.floats("parameters")?.ok_or_else(|| missing("parameters"))?.values;
    let features = topology.first().and_then(|&n| usize::try_from(n).ok()).unwrap_or(0);
    let features = *feature_count.get_or_insert(features);
    Tree::from_vigra(&topology, &parameters, features, class_count)
        .map_err(|error| Damage { object: folder.path.clone(), reason: error.to_string() })
}

/// Plans a classifier at `path`: the trees split as evenly as possible into `count` forests.
pub(super) fn put(plan: &mut Plan, path: &str, forest: &Forest, names: &[String], count: usize) {
    let labels = || Value::UInt32s(forest.classes.iter().map(|&class| class.into()).collect());
    plan.group(path);
    plan.put(&format!("{path}/known_labels"), labels());
    plan.put(&format!("{path}/pickled_type"), Value::text(PICKLED_TYPE));
    if !names.is_empty() {
        plan.put(&format!("{path}/feature_names"), Value::Texts(names.to_vec()));
    }
    let count = count.min(forest.trees.len()).max(1);
    let mut rest = &forest.trees[..];
    for index in 0..count {
        let (trees, others) = rest.split_at(rest.len().div_ceil(count - index));
        rest = others;
        let path = format!("{path}/Forest{index:04}");
        plan.group(&path);
        plan.group_attribute(&path, "vigra_random_forest_version", AttrValue::F64Array(vec![0.1]));
        for (name, value) in options(trees.len()) {
            plan.put(&format!("{path}/_options/{name}"), Value::Floats(vec![value]));
        }
        for (name, value) in parameters(forest, trees) {
            plan.put(&format!("{path}/_ext_param/{name}"), Value::Floats(vec![value]));
        }
        let weights = vec![1.0; forest.classes.len()];
        plan.put(&format!("{path}/_ext_param/class_weights_"), Value::Floats(weights));
        plan.put(&format!("{path}/_ext_param/labels"), labels());
        let width = trees.len().saturating_sub(1).to_string().len();
        for (number, tree) in trees.iter().enumerate() {
            let arrays = tree.to_vigra(forest.feature_count, forest.classes.len());
            let path = format!("{path}/Tree_{number:0width$}");
            plan.put(&format!("{path}/topology"), Value::Int32s(arrays.topology));
            plan.put(&format!("{path}/parameters"), Value::Floats(arrays.parameters));
        }
    }
}

/// VIGRA's training options, as ilastik sets them.
fn options(tree_count: usize) -> [(&'static str, f64); 13] {
    [
        ("tree_count_", tree_count as f64),
        ("mtry_", 0.0),
        ("mtry_switch_", 6.0), // square root of the number of features
        ("mtry_func_", 0.0),
        ("min_split_node_size_", 1.0),
        ("predict_weighted_", 0.0),
        ("prepare_online_learning_", 0.0),
        ("sample_with_replacement_", 1.0),
        ("stratification_method_", 3.0),    // none
        ("training_set_calc_switch_", 1.0), // proportional
        ("training_set_func_", 0.0),
        ("training_set_proportion_", 1.0),
        ("training_set_size_", 0.0),
    ]
}

/// What VIGRA notes of the training data.
fn parameters(forest: &Forest, trees: &[Tree]) -> [(&'static str, f64); 10] {
    // A bag is as large as the training set.
    let rows = trees.first().map_or(0.0, |tree| {
        let leaves =
            tree.nodes.iter().map(|node| if let Node::Leaf { rows, .. } = node { *rows } else { 0.0 });
        leaves.sum()
    });
    [
        ("column_count_", forest.feature_count as f64),
        ("class_count_", forest.classes.len() as f64),
        ("row_count_", rows),
        ("actual_mtry_", (forest.feature_count as f64).sqrt().round()),
        ("actual_msample_", rows),
        ("problem_type_", 1.0), // classification
        ("used_", 1.0),
        ("is_weighted_", 1.0),
        ("precision_", 0.0),
        ("response_size_", 1.0),
    ]
}

/// Python's protocol-0 pickle of ilastik's classifier factory, which ilastik reads as text: an object
/// with these members and no others, in this order.
pub(super) fn factory_pickle(forest_count: usize, trees: u32) -> String {
    let mut text = String::from(
        "ccopy_reg\n_reconstructor\np0\n(clazyflow.classifiers.parallelVigraRfLazyflowClassifier\n\
         ParallelVigraRfLazyflowClassifierFactory\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n(dp5\n",
    );
    let members = [
        ("VERSION", "I2\n"),
        ("_num_trees", &format!("I{trees}\n")),
        ("_label_proportion", "N"),
        ("_variable_importance_path", "N"),
        ("_variable_importance_enabled", "I00\n"),
        ("_kwargs", "(dp12\n"),
        ("_num_forests", &format!("I{forest_count}\n")),
    ];
    // Every value that Python may refer to again is numbered.
    let mut number = 6;
    for (name, value) in members {
        text.push_str(&format!("V{name}\np{number}\n{value}s"));
        number += if name == "_kwargs" { 2 } else { 1 };
    }
    text.push_str("b.");
    text
}

/// The number of trees in a pickle of ilastik's classifier factory; `None` in that of another classifier.
pub(super) fn trees_of(pickle: &str) -> Option<u32> {
    let (_, after) = pickle.split_once("_num_trees")?;
    let number = after.lines().skip(1).find_map(|line| line.strip_prefix('I'))?;
    number.parse().ok().filter(|trees| (1..=MAX_TREES).contains(trees))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pickle_is_ilastiks() {
        let expect = "ccopy_reg\n_reconstructor\np0\n(clazyflow.classifiers.parallelVigraRfLazyflowClassifier\n\
            ParallelVigraRfLazyflowClassifierFactory\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n(dp5\nVVERSION\n\
            p6\nI2\nsV_num_trees\np7\nI100\nsV_label_proportion\np8\nNsV_variable_importance_path\np9\n\
            NsV_variable_importance_enabled\np10\nI00\nsV_kwargs\np11\n(dp12\nsV_num_forests\np13\nI2\nsb.";
        assert_eq!(factory_pickle(2, 100), expect);
        assert_eq!(trees_of(expect), Some(100));
        assert_eq!(trees_of(&factory_pickle(8, 37)), Some(37));
        for other in ["", "V_num_trees\np7\n", "V_num_trees\np7\nI0\n", "V_num_trees\np7\nI99999999\n"] {
            assert_eq!(trees_of(other), None, "{other:?}");
        }
    }
}
