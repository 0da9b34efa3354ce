//! A network as a list of operations, for judging: what TorchScript and ONNX are written from. Each network draws its own beside its forward pass; a
//! test holds the two to each other.

use crate::network::{NormRule, Padding};

/// What an operation gives: the number of its [`Step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value(pub(crate) usize);

/// An operation on N×C×H×W values, as PyTorch has it. Names are those of the network's tensors, without `.weight` and the like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    /// What comes in: N×1×side×side.
    Input,
    /// Square kernel; `groups` is 1, or as many as channels.
    Conv {
        name: String,
        kernel: i64,
        stride: i64,
        padding: Padding,
        groups: i64,
        bias: bool,
    },
    /// Batch normalisation with the statistics as stored and this added to the variance.
    Norm { name: String, eps: f64 },
    /// N×inputs → N×outputs, with a bias.
    Linear { name: String },
    /// max(x, 0).
    Relu,
    /// Maximum of 2×2.
    MaxPool,
    /// Mean of a square window; places beyond the edge are not counted.
    MeanPool {
        window: i64,
        stride: i64,
        padding: i64,
    },
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
    /// √x.
    Sqrt,
    /// x + number.
    AddNumber(f64),
    /// x · number.
    MulNumber(f64),
    /// Cut at both ends, where there are.
    Clamp(Option<f64>, Option<f64>),
    /// So many times as high and wide, between the middles of pixels.
    Bilinear(i64),
    /// So many times as high and wide, each pixel repeated.
    Nearest(i64),
    /// Behind each other by channel.
    Concat,
    /// 2×2 pixels as channels: N×C×H×W → N×4C×H/2×W/2, of so many channels and a square of this side.
    Unshuffle { channels: i64, side: i64 },
    /// N×C×H×W → N×C.
    GlobalMean,
    /// N×C×H×W → N×C.
    GlobalMax,
    /// N×… → N×all.
    Flatten,
    /// N×1×… → N×….
    Squeeze,
    /// N×K → N: the mean of the so many highest.
    TopMean(i64),
}

/// An operation and what goes in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub op: Op,
    pub inputs: Vec<Value>,
}

/// A whole network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Graph {
    /// In an order in which they can be computed; the first is [`Op::Input`].
    pub steps: Vec<Step>,
    /// N logits.
    pub logit: Value,
    /// N×h×w logits, where the network has a map.
    pub map: Option<Value>,
}

/// A network while it is drawn.
pub(crate) struct Sketch {
    steps: Vec<Step>,
}

impl Sketch {
    /// The images alone.
    pub fn new() -> (Self, Value) {
        let films = Step {
            op: Op::Input,
            inputs: Vec::new(),
        };
        (Self { steps: vec![films] }, Value(0))
    }

    /// Adds an operation.
    pub fn step(&mut self, op: Op, inputs: &[Value]) -> Value {
        self.steps.push(Step {
            op,
            inputs: inputs.to_vec(),
        });
        Value(self.steps.len() - 1)
    }

    /// A convolution and the norm after it.
    pub fn conv_norm(
        &mut self,
        x: Value,
        (conv, norm): (String, String),
        kernel: i64,
        stride: i64,
    ) -> Value {
        let conv = Op::Conv {
            name: conv,
            kernel,
            stride,
            padding: Padding::half(kernel),
            groups: 1,
            bias: false,
        };
        let x = self.step(conv, &[x]);
        let eps = NormRule::TORCH.eps;
        self.step(Op::Norm { name: norm, eps }, &[x])
    }

    /// A convolution with a bias.
    pub fn conv(&mut self, x: Value, name: &str, kernel: i64) -> Value {
        let conv = Op::Conv {
            name: name.to_owned(),
            kernel,
            stride: 1,
            padding: Padding::half(kernel),
            groups: 1,
            bias: true,
        };
        self.step(conv, &[x])
    }

    /// A fully connected layer.
    pub fn linear(&mut self, x: Value, name: &str) -> Value {
        let name = name.to_owned();
        self.step(Op::Linear { name }, &[x])
    }

    /// max(x, 0).
    pub fn relu(&mut self, x: Value) -> Value {
        self.step(Op::Relu, &[x])
    }

    /// Mean and maximum over all places, behind each other: N×C×H×W → N×2C.
    pub fn mean_and_max(&mut self, x: Value) -> Value {
        let mean = self.step(Op::GlobalMean, &[x]);
        let highest = self.step(Op::GlobalMax, &[x]);
        self.step(Op::Concat, &[mean, highest])
    }

    /// The network, whole.
    pub fn done(self, logit: Value, map: Option<Value>) -> Graph {
        Graph {
            steps: self.steps,
            logit,
            map,
        }
    }
}
