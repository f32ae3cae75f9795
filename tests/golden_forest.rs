//! The forest against ilastik's own: its stored trees walked over its features give its probabilities, the
//! fast path gives the same bits as the walk, and forests grown here on its labels differ from its own by no
//! more than VIGRA's forests, which it uses, do.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use brushwood::classify::{CompiledForest, Forest, Rows, TrainOptions, Tree, train};
use brushwood::data::CancelToken;
use ndarray::{Array2, Array4, ArrayView2, Axis};

/// Largest difference of a walked probability from ilastik's.
const WALK_TOLERANCE: f32 = 5e-7;

struct Golden {
    name: &'static str,
    /// Axes pixel, channel.
    features: Array2<f32>,
    /// Axes pixel, class.
    probabilities: Array2<f32>,
    labels: Vec<u8>,
    forest: Forest,
    /// The stored arrays of each tree, as read.
    arrays: Vec<(Vec<i32>, Vec<f64>)>,
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn load(name: &'static str) -> Golden {
    let file = hdf5_pure::File::open(folder(name).join(format!("{name}.ilp"))).unwrap();
    let forests = file.group("PixelClassification/ClassifierForests").unwrap();
    let classes: Vec<u8> =
        forests.dataset("known_labels").unwrap().read_u32().unwrap().iter().map(|&c| c as u8).collect();
    let mut archive = npyz::npz::NpzArchive::open(folder(name).join("features.npz")).unwrap();
    let features = archive.by_name("features").unwrap().unwrap();
    let channels = *features.shape().last().unwrap() as usize;
    let features: Vec<f32> = features.into_vec().unwrap();
    let features = Array2::from_shape_vec((features.len() / channels, channels), features).unwrap();
    let npy = |file: &str| {
        npyz::NpyFile::new(std::io::BufReader::new(std::fs::File::open(folder(name).join(file)).unwrap()))
            .unwrap()
    };
    let mut probabilities: Vec<f32> = npy("probabilities.npy").into_vec().unwrap();
    let mut labels: Vec<u8> = npy("labels.npy").into_vec().unwrap();
    if name == "noisy" {
        // Its features are those of rows 96 to 127 only.
        let (first, end) = (96 * 256, 128 * 256);
        probabilities = probabilities[first * classes.len()..end * classes.len()].to_owned();
        labels = labels[first..end].to_owned();
    }
    let probabilities = Array2::from_shape_vec((labels.len(), classes.len()), probabilities).unwrap();
    assert_eq!(features.nrows(), labels.len(), "{name}: pixels");

    let mut groups: Vec<String> = forests.groups().unwrap();
    groups.sort();
    let mut arrays = Vec::new();
    for forest in groups {
        let forest = forests.group(&forest).unwrap();
        let mut trees: Vec<String> = forest.groups().unwrap();
        trees.retain(|name| !name.starts_with('_'));
        trees.sort();
        for tree in trees {
            let tree = forest.group(&tree).unwrap();
            arrays.push((
                tree.dataset("topology").unwrap().read_i32().unwrap(),
                tree.dataset("parameters").unwrap().read_f64().unwrap(),
            ));
        }
    }
    assert_eq!(arrays.len(), 100, "{name}: trees");
    let trees = arrays
        .iter()
        .map(|(topology, parameters)| {
            Tree::from_vigra(topology, parameters, channels, classes.len()).unwrap()
        })
        .collect();
    let forest = Forest { trees, classes, feature_count: channels };
    Golden { name, features, probabilities, labels, forest, arrays }
}

fn all() -> Vec<Golden> {
    ["gray", "rgb", "vol", "mixed", "noisy", "time"].map(load).into()
}

fn fast(forest: &Forest, features: ArrayView2<'_, f32>, width: usize) -> Array2<f32> {
    let (pixels, channels) = features.dim();
    let height = pixels / width;
    let planes = features.t().as_standard_layout().into_owned();
    let planes = planes.into_shape_with_order((channels, 1, height, width)).unwrap();
    let mut out = Array4::zeros((forest.classes.len(), 1, height, width));
    CompiledForest::new(forest).predict_block(planes.view(), out.view_mut());
    let out = out.into_shape_with_order((forest.classes.len(), pixels)).unwrap();
    out.t().as_standard_layout().into_owned()
}

#[test]
fn stored_trees_give_the_stored_probabilities() {
    for golden in all() {
        let walked = golden.forest.predict_rows(golden.features.view());
        let worst = (&walked - &golden.probabilities).iter().fold(0f32, |worst, d| worst.max(d.abs()));
        assert!(worst <= WALK_TOLERANCE, "{}: differs by {worst:e}", golden.name);
    }
}

#[test]
fn the_fast_path_equals_the_walk() {
    for golden in all() {
        let walked = golden.forest.predict_rows(golden.features.view());
        let pixels = golden.labels.len();
        for width in [1, pixels / 8, 64, 72, 80].into_iter().filter(|width| pixels % width == 0) {
            let fast = fast(&golden.forest, golden.features.view(), width);
            let differing = fast.iter().zip(&walked).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            assert_eq!(differing, 0, "{}: of {} values, width {width}", golden.name, fast.len());
        }
    }
}

#[test]
fn trees_are_written_as_ilastik_writes_them() {
    for golden in all() {
        for (number, (written, stored)) in golden.forest.to_vigra().iter().zip(&golden.arrays).enumerate() {
            assert_eq!(written.topology, stored.0, "{}: topology of tree {number}", golden.name);
            assert_eq!(written.parameters, stored.1, "{}: parameters of tree {number}", golden.name);
        }
    }
}

/// The figures stated beside the golden files: mean |dP| and agreement of the winning class between two of
/// ilastik's own trainings on the same rows. `noisy` has features for an eighth of its rows only, and no
/// figure is known for `mixed`.
const SEED_NOISE: [(&str, f64, f64); 4] =
    [("gray", 0.026, 0.985), ("rgb", 0.023, 0.980), ("vol", 0.031, 0.958), ("time", 0.012, 0.995)];

/// Mean |dP| between ilastik's stored forest and VIGRA's own on the same rows, over twelve trainings of 100
/// trees (`benches/peers/forest_spread.py`).
const VIGRA_TO_ILASTIK: [(&str, f64); 4] =
    [("gray", 0.0364), ("rgb", 0.0217), ("vol", 0.0328), ("time", 0.0094)];

/// The folders where forests of 100 trees keep to the stated figure on average. On `gray` and `vol` they do
/// not, and nor do VIGRA's: there the figure is one pair of a wide spread (tests/golden/README.md).
const WITHIN_SEED_NOISE: [&str; 2] = ["rgb", "time"];

/// Labelled rows of a golden folder, named by their place in it.
fn labelled_rows(golden: &Golden) -> Rows {
    let labelled: Vec<usize> = (0..golden.labels.len()).filter(|&i| golden.labels[i] != 0).collect();
    Rows {
        features: golden.features.select(Axis(0), &labelled),
        labels: labelled.iter().map(|&i| golden.labels[i]).collect(),
        keys: labelled.iter().map(|&i| i as u64).collect(),
    }
}

/// Probabilities of a forest grown on a golden folder's rows, axes pixel, class.
fn retrained(golden: &Golden, rows: &Rows, trees: u32, seed: u64) -> Array2<f32> {
    let trained = train(rows, &TrainOptions { trees: 0..trees, seed }, &CancelToken::new()).unwrap();
    fast(&trained.forest, golden.features.view(), golden.labels.len() / 8)
}

fn mean_difference(a: &Array2<f32>, b: &Array2<f32>) -> f64 {
    (a - b).iter().map(|d| f64::from(d.abs())).sum::<f64>() / a.len() as f64
}

#[test]
fn forests_of_100_trees_are_as_close_to_ilastiks_as_vigras_own() {
    const SEEDS: u64 = 12;
    for (name, vigra) in VIGRA_TO_ILASTIK {
        let golden = load(name);
        let rows = labelled_rows(&golden);
        let differences: Vec<f64> = (0..SEEDS)
            .map(|seed| mean_difference(&retrained(&golden, &rows, 100, seed), &golden.probabilities))
            .collect();
        let mean = differences.iter().sum::<f64>() / SEEDS as f64;
        assert!(mean <= vigra, "{name}: mean |dP| {mean:.4}, VIGRA's {vigra}; {differences:.4?}");
        for (_, stated, _) in SEED_NOISE.iter().filter(|(other, ..)| *other == name) {
            let is_within = mean <= *stated;
            assert_eq!(
                is_within,
                WITHIN_SEED_NOISE.contains(&name),
                "{name}: mean |dP| {mean:.4}, stated {stated}"
            );
        }
    }
}

/// Many trees, so that the difference is that of the rules and of ilastik's one draw, not of ours too.
#[test]
fn a_forest_of_many_trees_is_as_close_as_ilastik_is_to_itself() {
    for (name, most_difference, least_agreement) in SEED_NOISE {
        let golden = load(name);
        let ours = retrained(&golden, &labelled_rows(&golden), 2000, 5);
        let theirs = &golden.probabilities;
        let difference = mean_difference(&ours, theirs);
        let pairs = ours.rows().into_iter().zip(theirs.rows());
        let agree = pairs.filter(|(a, b)| winner(a.as_slice()) == winner(b.as_slice())).count();
        let agreement = agree as f64 / golden.labels.len() as f64;
        assert!(
            difference <= most_difference && agreement >= least_agreement,
            "{name}: mean |dP| {difference:.4} (at most {most_difference}), \
             agreement {agreement:.4} (at least {least_agreement})"
        );
    }
}

fn winner(probabilities: Option<&[f32]>) -> usize {
    let best = |best: (usize, f32), (class, &p): (usize, &f32)| if p > best.1 { (class, p) } else { best };
    probabilities.unwrap().iter().enumerate().fold((0, 0.0), best).0
}
