//! The stored classifier: `ClassifierForests` and VIGRA's arrays of a tree.
//!
//! A project holds several forests (one per thread of the program that trained); they are merged into
//! one in their sorted order.

use hdf5_pure::AttrValue;

use super::plan::Plan;
use super::stored::{Damage, Folder, Result};
use super::value::Value;
use crate::classify::{Forest, Node, Tree};
use crate::data::classes::MAX_CLASSES;

/// Marks a split node of VIGRA.
const SPLIT: i32 = 0;
/// Marks a leaf node of VIGRA.
const LEAF: i32 = 0x4000_0000;
/// Entries of the topology before the root.
const HEADER: usize = 2;

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

/// VIGRA's two arrays of a tree.
#[derive(Debug, PartialEq)]
pub(super) struct TreeArrays {
    pub topology: Vec<i32>,
    pub parameters: Vec<f64>,
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
            let missing = |what| tree.damage(what, "it is missing");
            let arrays = TreeArrays {
                topology: tree.int32s("topology")?.ok_or_else(|| missing("topology"))?,
                parameters: tree.floats("parameters")?.ok_or_else(|| missing("parameters"))?.values,
            };
            let damage = |reason: String| Damage { object: tree.path.clone(), reason };
            let (features, tree) = decode(&arrays, labels.as_ref().map(Vec::len)).map_err(damage)?;
            if *feature_count.get_or_insert(features) != features {
                return Err(damage(format!("it tests other features than the trees before it")));
            }
            trees.push(tree);
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

/// The tree that VIGRA's arrays stand for, nodes in the order in which they are stored, and the number
/// of features. `class_count`, if known, must agree with the arrays.
pub(super) fn decode(
    arrays: &TreeArrays,
    class_count: Option<usize>,
) -> std::result::Result<(usize, Tree), String> {
    let TreeArrays { topology, parameters } = arrays;
    let at = |index: usize| topology.get(index).copied();
    let size = |value: Option<i32>| value.and_then(|v| usize::try_from(v).ok());
    let (Some(features), Some(classes)) = (size(at(0)), size(at(1))) else {
        return Err("it has no header".into());
    };
    if class_count.is_some_and(|count| count != classes) {
        return Err(format!("it knows {classes} classes, the classifier {}", class_count.unwrap_or(0)));
    }
    // First the addresses of all nodes: each must be reached once, or it would be no tree.
    let mut seen = vec![false; topology.len()];
    let mut addresses = Vec::new();
    let mut open = vec![HEADER];
    while let Some(address) = open.pop() {
        match seen.get_mut(address) {
            Some(seen) if !*seen && address >= HEADER => *seen = true,
            Some(_) => return Err(format!("its node {address} is reached twice")),
            None => return Err(format!("its node {address} lies outside")),
        }
        addresses.push(address);
        match at(address) {
            Some(SPLIT) => {
                for child in [at(address + 2), at(address + 3)] {
                    open.push(size(child).ok_or_else(|| format!("its node {address} is cut short"))?);
                }
            }
            Some(LEAF) => {}
            other => return Err(format!("its node {address} is of the unknown kind {other:?}")),
        }
    }
    addresses.sort_unstable();
    let index_of = |address: Option<i32>| -> Option<u32> {
        let index = addresses.binary_search(&size(address)?).ok()?;
        u32::try_from(index).ok()
    };
    let mut nodes = Vec::with_capacity(addresses.len());
    for &address in &addresses {
        let short = || format!("its node {address} is cut short");
        let first = size(at(address + 1)).ok_or_else(short)?;
        if at(address) == Some(LEAF) {
            let end = first.checked_add(1 + classes).ok_or_else(short)?;
            let values = parameters.get(first..end).ok_or_else(short)?;
            nodes.push(Node::Leaf { rows: values[0], shares: values[1..].to_vec() });
        } else {
            let column = at(address + 4).and_then(|c| u32::try_from(c).ok()).ok_or_else(short)?;
            if column as usize >= features {
                return Err(format!("its node {address} tests feature {column} of {features}"));
            }
            nodes.push(Node::Split {
                column,
                threshold: first.checked_add(1).and_then(|i| parameters.get(i)).copied().ok_or_else(short)?,
                below: index_of(at(address + 2)).ok_or_else(short)?,
                above: index_of(at(address + 3)).ok_or_else(short)?,
            });
        }
    }
    Ok((features, Tree { nodes }))
}

/// VIGRA's arrays of `tree`, nodes in the order of [`Tree::nodes`].
pub(super) fn encode(tree: &Tree, feature_count: usize, class_count: usize) -> TreeArrays {
    let mut addresses = Vec::with_capacity(tree.nodes.len());
    let mut next = HEADER as i32;
    for node in &tree.nodes {
        addresses.push(next);
        next += if matches!(node, Node::Split { .. }) { 5 } else { 2 };
    }
    let mut topology = Vec::with_capacity(next as usize);
    let mut parameters = Vec::new();
    topology.extend([feature_count as i32, class_count as i32]);
    for node in &tree.nodes {
        let first = parameters.len() as i32;
        match node {
            Node::Split { column, threshold, below, above } => {
                let [below, above] = [below, above].map(|&child| addresses[child as usize]);
                topology.extend([SPLIT, first, below, above, *column as i32]);
                parameters.extend([1.0, *threshold]);
            }
            Node::Leaf { shares, rows } => {
                topology.extend([LEAF, first]);
                parameters.push(*rows);
                parameters.extend(shares);
            }
        }
    }
    TreeArrays { topology, parameters }
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
            let arrays = encode(tree, forest.feature_count, forest.classes.len());
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
pub(super) fn factory_pickle(forest_count: usize) -> String {
    let mut text = String::from(
        "ccopy_reg\n_reconstructor\np0\n(clazyflow.classifiers.parallelVigraRfLazyflowClassifier\n\
         ParallelVigraRfLazyflowClassifierFactory\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n(dp5\n",
    );
    let members = [
        ("VERSION", "I2\n"),
        ("_num_trees", "I100\n"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stump() -> TreeArrays {
        TreeArrays {
            topology: vec![49, 2, 0, 0, 9, 7, 1, LEAF, 2, LEAF, 5],
            parameters: vec![1.0, 116.96, 495.0, 0.0, 1.0, 505.0, 1.0, 0.0],
        }
    }

    #[test]
    fn a_stump_in_vigras_layout() {
        let (features, tree) = decode(&stump(), Some(2)).expect("valid");
        assert_eq!(features, 49);
        assert_eq!(
            tree.nodes,
            [
                Node::Split { column: 1, threshold: 116.96, below: 2, above: 1 },
                Node::Leaf { rows: 495.0, shares: vec![0.0, 1.0] },
                Node::Leaf { rows: 505.0, shares: vec![1.0, 0.0] },
            ]
        );
        assert_eq!(encode(&tree, 49, 2), stump());
    }

    #[test]
    fn hostile_arrays_are_errors() {
        for (index, value) in
            [(1, 7), (2, 1), (4, 2), (4, 99), (4, -1), (6, 49), (8, 9), (8, i32::MAX), (3, 7)]
        {
            let mut arrays = stump();
            arrays.topology[index] = value;
            assert!(decode(&arrays, Some(2)).is_err(), "topology[{index}] = {value}");
        }
        for length in 0..stump().topology.len() {
            let mut arrays = stump();
            arrays.topology.truncate(length);
            assert!(decode(&arrays, Some(2)).is_err(), "topology cut to {length}");
        }
    }
}
