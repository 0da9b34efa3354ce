//! ONNX, opset 17: the oldest that has all that is needed, for the most readers.

mod nodes;
mod proto;

use prost::Message;
use tch::{Kind, Tensor};

use self::nodes::Nodes;
use self::proto::{
    DimensionProto, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use super::calibrate::Calibrated;
use crate::network::graph::Graph;
use crate::{ModelError, ModelInfo, Net};

const OPSET: i64 = 17;
/// The IR version that came with it.
const IR_VERSION: i64 = 8;
/// `TensorProto.DataType`s.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
const DOUBLE: i32 = 11;

/// The file's bytes, with `about` in its `metadata_props` under `osteon`.
pub(super) fn model(
    net: &Net,
    graph: &Graph,
    calibrated: &Calibrated,
    info: &ModelInfo,
    about: &str,
) -> Result<Vec<u8>, ModelError> {
    let mut nodes = Nodes::new();
    nodes.network(graph);
    nodes.calibration(calibrated);
    let Nodes {
        written: nodes,
        initializers,
        ..
    } = nodes;
    let mut weights = Vec::new();
    for (name, tensor) in net.tensors() {
        weights.push(weight(name, &tensor)?);
    }
    weights.extend(initializers);

    let side = info.preprocess.size;
    let films = [
        DimensionProto::named("N"),
        DimensionProto::of(1),
        DimensionProto::of(i64::from(side)),
        DimensionProto::of(i64::from(side)),
    ];
    let mut outputs = vec![
        value(
            "score",
            &[DimensionProto::named("N")],
            "the calibrated probability of a fracture",
        ),
        value("logit", &[DimensionProto::named("N")], "before calibration"),
    ];
    if let Some(cell) = net.architecture.map_cell() {
        let cells = DimensionProto::of((info.preprocess.side() / cell) as i64);
        outputs.push(value(
            "map",
            &[DimensionProto::named("N"), cells.clone(), cells],
            "logits of a fracture at each place",
        ));
    }
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("osteon".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        doc_string: Some(
            "Tells X-rays that show a fractured bone from those that do not. Not a medical device."
                .to_owned(),
        ),
        graph: Some(GraphProto {
            node: nodes,
            name: Some(net.architecture.name.to_string()),
            initializer: weights,
            input: vec![value(
                "images",
                &films,
                "gray, preprocessed as metadata_props says",
            )],
            output: outputs,
        }),
        opset_import: vec![OperatorSetIdProto {
            domain: Some(String::new()),
            version: Some(OPSET),
        }],
        metadata_props: vec![StringStringEntryProto {
            key: Some("osteon".to_owned()),
            value: Some(about.to_owned()),
        }],
    };
    Ok(model.encode_to_vec())
}

/// A weight in 32 bits.
fn weight(name: String, tensor: &Tensor) -> Result<TensorProto, ModelError> {
    let plain = tensor
        .f_detach()?
        .f_to_device(tch::Device::Cpu)?
        .f_to_kind(Kind::Float)?
        .f_contiguous()?;
    let mut values = vec![0.0_f32; plain.numel()];
    let count = values.len();
    plain.f_copy_data(&mut values, count)?;
    Ok(TensorProto::new(
        name,
        tensor.size(),
        FLOAT,
        values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    ))
}

fn value(name: &str, shape: &[DimensionProto], means: &str) -> ValueInfoProto {
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: Some(FLOAT),
                shape: Some(TensorShapeProto {
                    dim: shape.to_vec(),
                }),
            }),
        }),
        doc_string: Some(means.to_owned()),
    }
}

impl DimensionProto {
    fn of(value: i64) -> Self {
        Self {
            dim_value: Some(value),
            dim_param: None,
        }
    }

    fn named(name: &str) -> Self {
        Self {
            dim_value: None,
            dim_param: Some(name.to_owned()),
        }
    }
}

impl TensorProto {
    fn new(name: String, dims: Vec<i64>, kind: i32, data: Vec<u8>) -> Self {
        Self {
            dims,
            data_type: Some(kind),
            name: Some(name),
            raw_data: Some(data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, ArchitectureName, Device, ExportFormat};

    /// Every initializer is used, every input is made before, and the network's tensors keep their names.
    #[test]
    fn nodes_follow_each_other() {
        let architecture = Architecture {
            name: ArchitectureName::FractureMap,
            ..Architecture::default()
        };
        let net = architecture.build(64, Device::Cpu).expect("builds");
        let mut info = ModelInfo::new(architecture, osteon_data::Preprocess::default());
        info.preprocess.size = 64;
        let about = super::super::about::about(&net, &info, ExportFormat::Onnx).expect("words");
        let graph = net.architecture.graph(64);
        let calibrated = Calibrated::of(&info.calibration);
        let bytes = model(&net, &graph, &calibrated, &info, &about).expect("writes");
        let read = ModelProto::decode(bytes.as_slice()).expect("reads");
        let graph = read.graph.expect("a graph");
        let names: Vec<&str> = graph.initializer.iter().map(TensorProto::name).collect();
        for (name, _) in net.tensors() {
            assert!(names.contains(&name.as_str()), "{name}");
        }
        let mut known = vec!["images", ""];
        known.extend(&names);
        let (mut used, mut nodes) = (Vec::new(), Vec::new());
        for node in &graph.node {
            assert!(!nodes.contains(&node.name()), "{} twice", node.name());
            nodes.push(node.name());
            for input in &node.input {
                assert!(known.contains(&input.as_str()), "{input}");
                used.push(input.as_str());
            }
            for output in &node.output {
                assert!(!known.contains(&output.as_str()), "{output} twice");
                known.push(output);
            }
        }
        assert!(names.iter().all(|name| used.contains(name)));
        for output in &graph.output {
            assert!(known.contains(&output.name()));
        }
    }
}
