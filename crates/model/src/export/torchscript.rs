//! TorchScript: the network as source text with named tensors. Not traced: so the batch is of any size, and tensors keep their names.

use std::fmt::Write;

use osteon_kernels::Script;
use tch::Tensor;

use super::calibrate::Calibrated;
use crate::network::Padding;
use crate::network::graph::{Graph, Op, Value};
use crate::{ModelError, Net};

/// The archive that `torch.jit.load` reads, with `about` as its extra file `osteon.json`.
pub(super) fn archive(
    net: &Net,
    graph: &Graph,
    calibrated: &Calibrated,
    about: &str,
) -> Result<Vec<u8>, ModelError> {
    let mut tensors = net.tensors();
    if let Calibrated::Curve(curve) = calibrated {
        for (name, values) in curve.tensors() {
            tensors.push((name.to_owned(), Tensor::f_from_slice(values)?));
        }
    }
    let script = Script {
        name: "Network",
        source: &source(graph, calibrated),
        tensors: &tensors,
        files: &[("osteon.json", about)],
    };
    Ok(script.archive()?)
}

/// The module's methods.
fn source(graph: &Graph, calibrated: &Calibrated) -> String {
    let mut text = String::from("def network(self, images: Tensor) -> Tuple[Tensor, Tensor]:\n");
    for (number, step) in graph.steps.iter().enumerate().skip(1) {
        let inputs: Vec<String> = step.inputs.iter().copied().map(named).collect();
        let made = named(Value(number));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {made} = {}", expression(&step.op, &inputs));
    }
    let logit = named(graph.logit);
    let map = graph.map.map_or_else(|| logit.clone(), named);
    let _ = writeln!(text, "    return {logit}, {map}\n");
    text += "def calibrated(self, logit: Tensor) -> Tensor:\n";
    let _ = match calibrated {
        Calibrated::Line { slope, intercept } => writeln!(
            text,
            "    return torch.sigmoid(torch.add(torch.mul(logit, {}), {}))",
            number(*slope),
            number(*intercept)
        ),
        Calibrated::Curve(curve) => writeln!(
            text,
            "    past = torch.sub(torch.unsqueeze(logit.double(), 1), self.calibration.knots)\n    \
             share = torch.clamp(torch.div(past, self.calibration.widths), 0.0, 1.0)\n    \
             return torch.add(torch.matmul(share, self.calibration.rises), {}).float()",
            number(curve.lowest)
        ),
    };
    text += "\ndef forward(self, images: Tensor) -> Tensor:\n    return self.calibrated(self.network(images)[0])\n";
    text += "\ndef logit(self, images: Tensor) -> Tensor:\n    return self.network(images)[0]\n";
    if graph.map.is_some() {
        // Not `map`: the convolution that makes it has that name.
        text += "\ndef map_logits(self, images: Tensor) -> Tensor:\n    return self.network(images)[1]\n";
        text += "\ndef score_and_map(self, images: Tensor) -> Tuple[Tensor, Tensor]:\n    \
                 logit, map = self.network(images)\n    return self.calibrated(logit), map\n";
    }
    text
}

fn named(value: Value) -> String {
    match value.0 {
        0 => "images".to_owned(),
        number => format!("v{number}"),
    }
}

/// A float that Python reads as one.
fn number(value: f64) -> String {
    format!("{value:?}")
}

/// `self.a.b`, where names that begin with a digit are no identifiers: `getattr(self.a, "0")`.
fn attribute(path: &str) -> String {
    path.split('.').fold("self".to_owned(), |at, part| {
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            format!("getattr({at}, \"{part}\")")
        } else {
            format!("{at}.{part}")
        }
    })
}

fn expression(op: &Op, x: &[String]) -> String {
    let all = x.join(", ");
    let first = x.first().map_or("", String::as_str);
    match op {
        Op::Input => "images".to_owned(),
        Op::Conv {
            name,
            stride,
            padding: Padding { begin, end },
            groups,
            bias,
            ..
        } => {
            let at = attribute(name);
            // conv2d pads both sides alike.
            let (first, pad) = if begin == end {
                (first.to_owned(), *begin)
            } else {
                (
                    format!("torch.constant_pad_nd({first}, [{begin}, {end}, {begin}, {end}], 0)"),
                    0,
                )
            };
            let bias = if *bias {
                format!("{at}.bias")
            } else {
                "None".to_owned()
            };
            format!(
                "torch.conv2d({first}, {at}.weight, {bias}, [{stride}, {stride}], [{pad}, {pad}], [1, 1], {groups})"
            )
        }
        Op::Norm { name, eps } => {
            let at = attribute(name);
            format!(
                "torch.batch_norm({first}, {at}.weight, {at}.bias, {at}.running_mean, {at}.running_var, False, 0.1, {}, True)",
                number(*eps)
            )
        }
        Op::Linear { name } => {
            let at = attribute(name);
            format!("torch.linear({first}, {at}.weight, {at}.bias)")
        }
        Op::Relu => format!("torch.relu({first})"),
        Op::MaxPool => format!("torch.max_pool2d({first}, [2, 2], [2, 2], [0, 0], [1, 1], False)"),
        Op::MeanPool {
            window,
            stride,
            padding,
        } => format!(
            "torch.avg_pool2d({first}, [{window}, {window}], [{stride}, {stride}], [{padding}, {padding}], False, False, None)"
        ),
        Op::Add => format!("torch.add({all})"),
        Op::Sub => format!("torch.sub({all})"),
        Op::Mul => format!("torch.mul({all})"),
        Op::Div => format!("torch.div({all})"),
        Op::Sqrt => format!("torch.sqrt({first})"),
        Op::AddNumber(value) => format!("torch.add({first}, {})", number(*value)),
        Op::MulNumber(value) => format!("torch.mul({first}, {})", number(*value)),
        Op::Clamp(low, high) => {
            let end = |end: &Option<f64>| end.map_or_else(|| "None".to_owned(), number);
            format!("torch.clamp({first}, {}, {})", end(low), end(high))
        }
        Op::Bilinear(times) => format!(
            "torch.upsample_bilinear2d({first}, [{times} * {first}.size(2), {times} * {first}.size(3)], False, None, None)"
        ),
        Op::Nearest(times) => format!(
            "torch.upsample_nearest2d({first}, [{times} * {first}.size(2), {times} * {first}.size(3)], None, None)"
        ),
        Op::Concat => format!("torch.cat([{all}], 1)"),
        Op::Unshuffle { .. } => format!("torch.pixel_unshuffle({first}, 2)"),
        Op::GlobalMean => format!("torch.mean({first}, [2, 3])"),
        Op::GlobalMax => format!("torch.amax({first}, [2, 3])"),
        Op::Flatten => format!("torch.flatten({first}, 1, -1)"),
        Op::Squeeze => format!("torch.squeeze({first}, 1)"),
        Op::TopMean(count) => format!("torch.mean(torch.topk({first}, {count}, 1)[0], [1])"),
    }
}
