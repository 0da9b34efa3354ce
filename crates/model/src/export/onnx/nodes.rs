//! Operations as ONNX nodes.

use super::proto::{AttributeProto, NodeProto, TensorProto};
use super::{DOUBLE, FLOAT, INT64};
use crate::export::calibrate::Calibrated;
use crate::network::Padding;
use crate::network::graph::{Graph, Op, Value};

/// Nodes while they are written.
pub(super) struct Nodes {
    pub written: Vec<NodeProto>,
    /// Numbers that are no weights.
    pub initializers: Vec<TensorProto>,
    /// Names of the network's values, by their numbers.
    values: Vec<String>,
}

impl Nodes {
    pub fn new() -> Self {
        Self {
            written: Vec::new(),
            initializers: Vec::new(),
            values: Vec::new(),
        }
    }

    /// From `films` to `logit` and `map`.
    pub fn network(&mut self, graph: &Graph) {
        for (number, step) in graph.steps.iter().enumerate() {
            let value = Value(number);
            let name = match &step.op {
                Op::Input => "images".to_owned(),
                _ if value == graph.logit => "logit".to_owned(),
                // A convolution of the same name comes before.
                _ if Some(value) == graph.map => "map".to_owned(),
                Op::Conv { name, .. } | Op::Norm { name, .. } | Op::Linear { name } => {
                    format!("{name}.output")
                }
                other => format!("{}.{number}", kind(other)),
            };
            let inputs: Vec<String> = step
                .inputs
                .iter()
                .map(|input| self.values[input.0].clone())
                .collect();
            self.operation(&step.op, &inputs, &name);
            self.values.push(name);
        }
    }

    /// From `logit` to `score`.
    pub fn calibration(&mut self, calibrated: &Calibrated) {
        match calibrated {
            Calibrated::Line { slope, intercept } => {
                let slope = self.float("calibration.slope", *slope);
                let intercept = self.float("calibration.intercept", *intercept);
                self.plain("Mul", &["logit", &slope], "calibration.scaled");
                self.plain(
                    "Add",
                    &["calibration.scaled", &intercept],
                    "calibration.sum",
                );
                self.plain("Sigmoid", &["calibration.sum"], "score");
            }
            Calibrated::Curve(curve) => {
                for (name, values) in curve.tensors() {
                    self.doubles(name, vec![values.len() as i64], values);
                }
                self.doubles("calibration.zero", vec![], &[0.0]);
                self.doubles("calibration.one", vec![], &[1.0]);
                self.doubles("calibration.lowest", vec![], &[curve.lowest]);
                let axis = self.whole("calibration.axis", &[1]);
                self.add(
                    "Cast",
                    &["logit"],
                    "calibration.wide",
                    vec![int("to", i64::from(DOUBLE))],
                );
                self.plain(
                    "Unsqueeze",
                    &["calibration.wide", &axis],
                    "calibration.column",
                );
                self.plain(
                    "Sub",
                    &["calibration.column", "calibration.knots"],
                    "calibration.past",
                );
                self.plain(
                    "Div",
                    &["calibration.past", "calibration.widths"],
                    "calibration.ratio",
                );
                let ends = ["calibration.ratio", "calibration.zero", "calibration.one"];
                self.plain("Clip", &ends, "calibration.share");
                self.plain(
                    "MatMul",
                    &["calibration.share", "calibration.rises"],
                    "calibration.risen",
                );
                self.plain(
                    "Add",
                    &["calibration.risen", "calibration.lowest"],
                    "calibration.score",
                );
                self.add(
                    "Cast",
                    &["calibration.score"],
                    "score",
                    vec![int("to", i64::from(FLOAT))],
                );
            }
        }
    }

    #[allow(clippy::too_many_lines, reason = "an arm an operation")]
    fn operation(&mut self, op: &Op, inputs: &[String], name: &str) {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let first = inputs.first().copied().unwrap_or_default();
        match op {
            Op::Input => {}
            Op::Conv {
                name: conv,
                kernel,
                stride,
                padding: Padding { begin, end },
                groups,
                bias,
            } => {
                let (weight, offset) = (format!("{conv}.weight"), format!("{conv}.bias"));
                let mut inputs = vec![first, &weight];
                inputs.extend(bias.then_some(offset.as_str()));
                let mut attributes = vec![
                    ints("kernel_shape", &[*kernel; 2]),
                    ints("strides", &[*stride; 2]),
                    ints("pads", &[*begin, *begin, *end, *end]),
                ];
                if *groups != 1 {
                    attributes.push(int("group", *groups));
                }
                self.named("Conv", conv, &inputs, &[name], attributes);
            }
            Op::Norm { name: norm, eps } => {
                let of = ["weight", "bias", "running_mean", "running_var"];
                let of = of.map(|part| format!("{norm}.{part}"));
                let inputs = [first, &of[0], &of[1], &of[2], &of[3]];
                let epsilon = vec![float("epsilon", *eps as f32)];
                self.named("BatchNormalization", norm, &inputs, &[name], epsilon);
            }
            Op::Linear { name: linear } => {
                let (weight, bias) = (format!("{linear}.weight"), format!("{linear}.bias"));
                let inputs = [first, &weight, &bias];
                self.named("Gemm", linear, &inputs, &[name], vec![int("transB", 1)]);
            }
            Op::Relu | Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Sqrt => {
                self.plain(kind(op), &inputs, name);
            }
            Op::MaxPool => {
                let windows = vec![ints("kernel_shape", &[2; 2]), ints("strides", &[2; 2])];
                self.add("MaxPool", &inputs, name, windows);
            }
            Op::MeanPool {
                window,
                stride,
                padding,
            } => {
                let attributes = vec![
                    ints("kernel_shape", &[*window; 2]),
                    ints("strides", &[*stride; 2]),
                    ints("pads", &[*padding; 4]),
                    int("count_include_pad", 0),
                ];
                self.add("AveragePool", &inputs, name, attributes);
            }
            Op::AddNumber(number) => {
                let number = self.float(&format!("{name}.number"), *number);
                self.plain("Add", &[first, &number], name);
            }
            Op::MulNumber(number) => {
                let number = self.float(&format!("{name}.number"), *number);
                self.plain("Mul", &[first, &number], name);
            }
            Op::Clamp(low, high) => {
                let low = low.map(|v| self.float(&format!("{name}.low"), v));
                let high = high.map(|v| self.float(&format!("{name}.high"), v));
                let mut inputs = vec![first, low.as_deref().unwrap_or_default()];
                inputs.extend(high.as_deref());
                self.plain("Clip", &inputs, name);
            }
            Op::Bilinear(times) => {
                let mode = vec![
                    text("mode", "linear"),
                    text("coordinate_transformation_mode", "half_pixel"),
                ];
                self.resize(first, *times, name, mode);
            }
            Op::Nearest(times) => {
                let mode = vec![
                    text("mode", "nearest"),
                    text("coordinate_transformation_mode", "asymmetric"),
                    text("nearest_mode", "floor"),
                ];
                self.resize(first, *times, name, mode);
            }
            Op::Concat => self.add("Concat", &inputs, name, vec![int("axis", 1)]),
            Op::Unshuffle { channels, side } => self.unshuffle(first, *channels, *side, name),
            Op::GlobalMean => self.global("GlobalAveragePool", first, name),
            Op::GlobalMax => self.global("GlobalMaxPool", first, name),
            Op::Flatten => self.add("Flatten", &inputs, name, vec![int("axis", 1)]),
            Op::Squeeze => {
                let axis = self.whole(&format!("{name}.axis"), &[1]);
                // Of the map, the convolution has the plain name.
                let squeeze = format!("{name}.squeeze");
                self.named("Squeeze", &squeeze, &[first, &axis], &[name], Vec::new());
            }
            Op::TopMean(count) => {
                let count = self.whole(&format!("{name}.count"), &[*count]);
                let (highest, places) = (format!("{name}.highest"), format!("{name}.places"));
                let outputs = [highest.as_str(), &places];
                let top = format!("{name}.top");
                self.named(
                    "TopK",
                    &top,
                    &[first, &count],
                    &outputs,
                    vec![int("axis", 1)],
                );
                let over = vec![ints("axes", &[1]), int("keepdims", 0)];
                self.add("ReduceMean", &[&highest], name, over);
            }
        }
    }

    fn resize(&mut self, x: &str, times: i64, name: &str, mode: Vec<AttributeProto>) {
        let scales = [1.0, 1.0, times as f32, times as f32];
        let data = scales.iter().flat_map(|v| v.to_le_bytes()).collect();
        let scales = format!("{name}.scales");
        self.initializers
            .push(TensorProto::new(scales.clone(), vec![4], FLOAT, data));
        self.add("Resize", &[x, "", &scales], name, mode);
    }

    /// As PyTorch orders channels: a channel's four pixels stay together. `SpaceToDepth` has them the other way round.
    fn unshuffle(&mut self, x: &str, channels: i64, side: i64, name: &str) {
        let half = side / 2;
        let apart = self.whole(&format!("{name}.apart"), &[0, channels, half, 2, half, 2]);
        let shape = self.whole(&format!("{name}.shape"), &[0, 4 * channels, half, half]);
        let (split, moved) = (format!("{name}.split"), format!("{name}.moved"));
        self.plain("Reshape", &[x, &apart], &split);
        let order = vec![ints("perm", &[0, 1, 3, 5, 2, 4])];
        self.add("Transpose", &[&split], &moved, order);
        self.plain("Reshape", &[&moved, &shape], name);
    }

    fn global(&mut self, op: &str, x: &str, name: &str) {
        let pooled = format!("{name}.pooled");
        self.plain(op, &[x], &pooled);
        self.add("Flatten", &[&pooled], name, vec![int("axis", 1)]);
    }

    fn plain(&mut self, op: &str, inputs: &[&str], output: &str) {
        self.add(op, inputs, output, Vec::new());
    }

    /// A node named as its output.
    fn add(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) {
        self.named(op, output, inputs, &[output], attributes);
    }

    fn named(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.written.push(NodeProto {
            input: owned(inputs),
            output: owned(outputs),
            name: Some(name.to_owned()),
            op_type: Some(op.to_owned()),
            attribute,
        });
    }

    /// A number as an initializer; its name.
    fn float(&mut self, name: &str, value: f64) -> String {
        let data = (value as f32).to_le_bytes().to_vec();
        self.initializers
            .push(TensorProto::new(name.to_owned(), vec![], FLOAT, data));
        name.to_owned()
    }

    fn doubles(&mut self, name: &str, dims: Vec<i64>, values: &[f64]) {
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.initializers
            .push(TensorProto::new(name.to_owned(), dims, DOUBLE, data));
    }

    /// Whole numbers as an initializer; its name.
    fn whole(&mut self, name: &str, values: &[i64]) -> String {
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let dims = vec![values.len() as i64];
        self.initializers
            .push(TensorProto::new(name.to_owned(), dims, INT64, data));
        name.to_owned()
    }
}

/// What nodes without a name of their own are called by; of those that have a twin in ONNX, its name.
fn kind(op: &Op) -> &'static str {
    match op {
        Op::Input => "images",
        Op::Conv { .. } => "Conv",
        Op::Norm { .. } => "BatchNormalization",
        Op::Linear { .. } => "Gemm",
        Op::Relu => "Relu",
        Op::MaxPool => "MaxPool",
        Op::MeanPool { .. } => "AveragePool",
        Op::Add | Op::AddNumber(_) => "Add",
        Op::Sub => "Sub",
        Op::Mul | Op::MulNumber(_) => "Mul",
        Op::Div => "Div",
        Op::Sqrt => "Sqrt",
        Op::Clamp(..) => "Clip",
        Op::Bilinear(_) | Op::Nearest(_) => "Resize",
        Op::Concat => "Concat",
        Op::Unshuffle { .. } => "Unshuffle",
        Op::GlobalMean => "GlobalAveragePool",
        Op::GlobalMax => "GlobalMaxPool",
        Op::Flatten => "Flatten",
        Op::Squeeze => "Squeeze",
        Op::TopMean(_) => "TopMean",
    }
}

// `AttributeProto.AttributeType`s.
fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        f: Some(value),
        r#type: Some(1),
        ..AttributeProto::default()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        i: Some(value),
        r#type: Some(2),
        ..AttributeProto::default()
    }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        s: Some(value.as_bytes().to_vec()),
        r#type: Some(3),
        ..AttributeProto::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        ints: values.to_vec(),
        r#type: Some(7),
        ..AttributeProto::default()
    }
}
