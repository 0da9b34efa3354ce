//! The pickle of a `state_dict`, read as data: nothing in it is run, and whatever is not a tensor by name ends the reading.
//!
//! Our own: libtorch's reader loses the `state_dict`s of modules (their `_metadata`), and the one kept crate that reads them comes within a tensor
//! library of forty more. It knows the instructions that `torch.save` writes for tensors (protocols 2 to 5), and no others.

use std::collections::HashMap;
use std::rc::Rc;

use super::view::View;
use crate::error::ImportProblem;

/// What the pickle machine's stack holds.
#[derive(Debug, Clone)]
enum Item {
    None,
    Bool(bool),
    Int(i64),
    Float,
    Text(Rc<str>),
    Bytes,
    /// And how deep it is.
    Tuple(Rc<[Item]>, u8),
    /// An index into the machine's lists.
    List(usize),
    /// An index into the machine's dicts.
    Dict(usize),
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// The class of a storage, by its elements.
    StorageOf(Rc<str>),
    Storage {
        key: Rc<str>,
        element: Rc<str>,
    },
    Tensor(Rc<View>),
}

impl Item {
    fn what(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float => "a float",
            Self::Text(_) => "a string",
            Self::Bytes => "bytes",
            Self::Tuple(..) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dict",
            Self::OrderedDict
            | Self::RebuildTensor
            | Self::RebuildParameter
            | Self::StorageOf(_) => "a class",
            Self::Storage { .. } => "a storage",
            Self::Tensor(_) => "a tensor",
        }
    }
}

/// The deepest tuple that a `state_dict` has is 2.
const DEEPEST: u8 = 8;

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Item>,
    marks: Vec<usize>,
    memo: HashMap<u64, Item>,
    dicts: Vec<Vec<(Item, Item)>>,
    lists: Vec<Vec<Item>>,
}

type Step<T> = Result<T, ImportProblem>;

/// Tensors by name, in their order.
type Views = Vec<(String, Rc<View>)>;

/// The tensors by name, in their order, and where the pickle ends, from `at` on.
pub(super) fn state_dict(bytes: &[u8], at: usize) -> Step<(Views, usize)> {
    let (mut machine, top) = Machine::run(bytes, at)?;
    let Item::Dict(index) = top else {
        return Err(ImportProblem::NotFlat {
            place: "top".to_owned(),
            found: top.what(),
        });
    };
    let mut tensors = Vec::new();
    for (key, value) in std::mem::take(&mut machine.dicts[index]) {
        let Item::Text(name) = key else {
            return Err(ImportProblem::NotFlat {
                place: "key of an entry".to_owned(),
                found: key.what(),
            });
        };
        let Item::Tensor(view) = value else {
            return Err(ImportProblem::NotFlat {
                place: format!("entry {name}"),
                found: value.what(),
            });
        };
        tensors.push((name.to_string(), view));
    }
    Ok((tensors, machine.at))
}

/// What PyTorch before 1.6 says of the machine that wrote a file: whether its numbers are little-endian, and where the pickle ends.
pub(super) fn is_little_endian(bytes: &[u8], at: usize) -> Step<(bool, usize)> {
    let (machine, top) = Machine::run(bytes, at)?;
    let Item::Dict(index) = top else {
        return Err(machine.fault("says nothing of the machine that wrote it"));
    };
    let little = machine.dicts[index].iter().any(|(key, value)| {
        matches!((key, value), (Item::Text(name), Item::Bool(true)) if &**name == "little_endian")
    });
    Ok((little, machine.at))
}

/// A list of names, and where the pickle ends.
pub(super) fn names(bytes: &[u8], at: usize) -> Step<(Vec<Rc<str>>, usize)> {
    let (mut machine, top) = Machine::run(bytes, at)?;
    let Item::List(index) = top else {
        return Err(machine.fault("lists no storages"));
    };
    let name = |item| match item {
        Item::Text(name) => Some(name),
        _ => None,
    };
    let names: Option<Vec<_>> = std::mem::take(&mut machine.lists[index])
        .into_iter()
        .map(name)
        .collect();
    match names {
        Some(names) => Ok((names, machine.at)),
        None => Err(machine.fault("lists something else than names of storages")),
    }
}

impl<'a> Machine<'a> {
    /// The machine at the end of the pickle that begins at `at`, and what the pickle is.
    fn run(bytes: &'a [u8], at: usize) -> Step<(Self, Item)> {
        let mut machine = Self {
            bytes,
            at,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            dicts: Vec::new(),
            lists: Vec::new(),
        };
        loop {
            if let Some(top) = machine.step()? {
                return Ok((machine, top));
            }
        }
    }
}

impl Machine<'_> {
    /// One instruction; the whole, at the last.
    fn step(&mut self) -> Step<Option<Item>> {
        let code = self.take(1)?[0];
        match code {
            // PROTO, FRAME
            0x80 => {
                self.take(1)?;
            }
            0x95 => {
                self.take(8)?;
            }
            b'.' => return self.pop().map(Some),
            b'N' => self.stack.push(Item::None),
            0x88 | 0x89 => self.stack.push(Item::Bool(code == 0x88)),
            b'K' => self.int(1)?,
            b'M' => self.int(2)?,
            b'J' => {
                let bytes: [u8; 4] = self.array()?;
                self.stack.push(Item::Int(i32::from_le_bytes(bytes).into()));
            }
            0x8a => self.long()?,
            b'G' => {
                self.take(8)?;
                self.stack.push(Item::Float);
            }
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            b'C' => self.skip_bytes(1)?,
            b'B' => self.skip_bytes(4)?,
            b'(' => self.marks.push(self.stack.len()),
            b')' => self.tuple(Vec::new())?,
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let from = self.stack.len().checked_sub(count);
                let from = from.ok_or_else(|| self.fault("takes more than there is"))?;
                let items = self.stack.split_off(from);
                self.tuple(items)?;
            }
            b't' => {
                let items = self.marked()?;
                self.tuple(items)?;
            }
            b']' => {
                self.lists.push(Vec::new());
                self.stack.push(Item::List(self.lists.len() - 1));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.marked()?;
                self.append(items)?;
            }
            b'}' => self.dict(),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![key, value])?;
            }
            b'u' => {
                let items = self.marked()?;
                self.set(items)?;
            }
            b'q' => self.keep(1)?,
            b'r' => self.keep(4)?,
            0x94 => {
                let item = self.top()?.clone();
                self.memo.insert(self.memo.len() as u64, item);
            }
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'c' => self.global_lines()?,
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Item::Text(module), Item::Text(name)) = (module, name) else {
                    return Err(self.fault("names a class by something else than text"));
                };
                self.class(&module, &name)?;
            }
            b'Q' => self.storage()?,
            b'R' => self.call()?,
            b'b' => self.state()?,
            _ => return Err(self.fault("has an instruction that no state_dict needs")),
        }
        Ok(None)
    }

    fn fault(&self, what: &'static str) -> ImportProblem {
        ImportProblem::Pickle { what, at: self.at }
    }

    fn take(&mut self, count: usize) -> Step<&[u8]> {
        let end = self.at.checked_add(count);
        let Some(range) = end.filter(|&end| end <= self.bytes.len()) else {
            return Err(self.fault("ends too early"));
        };
        let taken = &self.bytes[self.at..range];
        self.at = range;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// An unsigned number of 1, 2, 4 or 8 bytes.
    fn number(&mut self, bytes: usize) -> Step<u64> {
        let mut array = [0; 8];
        array[..bytes].copy_from_slice(self.take(bytes)?);
        Ok(u64::from_le_bytes(array))
    }

    fn int(&mut self, bytes: usize) -> Step<()> {
        let value = self.number(bytes)?;
        self.stack.push(Item::Int(value as i64));
        Ok(())
    }

    /// A signed number of up to 8 bytes.
    fn long(&mut self) -> Step<()> {
        let length = self.number(1)? as usize;
        if length > 8 {
            return Err(self.fault("has a number of more than 64 bits"));
        }
        let mut value = 0_i64;
        for (index, &byte) in self.take(length)?.iter().enumerate() {
            value |= i64::from(byte) << (8 * index);
        }
        if (1..8).contains(&length) && value >> (8 * length - 1) == 1 {
            value -= 1 << (8 * length);
        }
        self.stack.push(Item::Int(value));
        Ok(())
    }

    fn text(&mut self, bytes: usize) -> Step<()> {
        let length = self.number(bytes)? as usize;
        let text = std::str::from_utf8(self.take(length)?).map(Rc::from);
        let text = text.map_err(|_| self.fault("has text that is not UTF-8"))?;
        self.stack.push(Item::Text(text));
        Ok(())
    }

    fn skip_bytes(&mut self, bytes: usize) -> Step<()> {
        let length = self.number(bytes)? as usize;
        self.take(length)?;
        self.stack.push(Item::Bytes);
        Ok(())
    }

    fn pop(&mut self) -> Step<Item> {
        let above = self
            .marks
            .last()
            .is_none_or(|&mark| mark < self.stack.len());
        match self.stack.pop() {
            Some(item) if above => Ok(item),
            _ => Err(self.fault("takes more than there is")),
        }
    }

    fn top(&self) -> Step<&Item> {
        let top = self.stack.last();
        top.ok_or_else(|| self.fault("takes more than there is"))
    }

    fn marked(&mut self) -> Step<Vec<Item>> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => Err(self.fault("lacks a mark")),
        }
    }

    fn tuple(&mut self, items: Vec<Item>) -> Step<()> {
        let depths = items.iter().map(|item| match item {
            Item::Tuple(_, depth) => *depth,
            _ => 0,
        });
        let depth = depths.max().unwrap_or(0) + 1;
        if depth > DEEPEST {
            return Err(self.fault("has tuples within tuples without end"));
        }
        self.stack.push(Item::Tuple(items.into(), depth));
        Ok(())
    }

    fn append(&mut self, items: Vec<Item>) -> Step<()> {
        let Item::List(index) = *self.top()? else {
            return Err(self.fault("appends to something else than a list"));
        };
        self.lists[index].extend(items);
        Ok(())
    }

    fn dict(&mut self) {
        self.dicts.push(Vec::new());
        self.stack.push(Item::Dict(self.dicts.len() - 1));
    }

    /// Keys and values by turns.
    fn set(&mut self, items: Vec<Item>) -> Step<()> {
        let Item::Dict(index) = *self.top()? else {
            return Err(self.fault("sets an entry of something else than a dict"));
        };
        if !items.len().is_multiple_of(2) {
            return Err(self.fault("has a key without a value"));
        }
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.dicts[index].push((key, value));
        }
        Ok(())
    }

    fn keep(&mut self, bytes: usize) -> Step<()> {
        let place = self.number(bytes)?;
        let item = self.top()?.clone();
        self.memo.insert(place, item);
        Ok(())
    }

    fn recall(&mut self, bytes: usize) -> Step<()> {
        let place = self.number(bytes)?;
        let item = self.memo.get(&place).cloned();
        let item = item.ok_or_else(|| self.fault("recalls what was not kept"))?;
        self.stack.push(item);
        Ok(())
    }

    /// `module\nname\n`.
    fn global_lines(&mut self) -> Step<()> {
        let (module, name) = (self.line()?, self.line()?);
        self.class(&module, &name)
    }

    fn line(&mut self) -> Step<String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        let length = length.ok_or_else(|| self.fault("ends too early"))?;
        let line = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Ok(line)
    }

    fn class(&mut self, module: &str, name: &str) -> Step<()> {
        let item = match (module, name) {
            ("collections", "OrderedDict") => Item::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Item::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Item::RebuildParameter,
            ("torch", name) if name.ends_with("Storage") => {
                Item::StorageOf(name.trim_end_matches("Storage").into())
            }
            _ => return Err(ImportProblem::Foreign(format!("{module}.{name}"))),
        };
        self.stack.push(item);
        Ok(())
    }

    /// `('storage', class, key, device, count)`, which torch keeps beside the pickle.
    fn storage(&mut self) -> Step<()> {
        let item = self.pop()?;
        if let Item::Tuple(parts, _) = &item
            && let [
                Item::Text(word),
                Item::StorageOf(element),
                Item::Text(key),
                ..,
            ] = &**parts
            && &**word == "storage"
        {
            self.stack.push(Item::Storage {
                key: key.clone(),
                element: element.clone(),
            });
            return Ok(());
        }
        Err(self.fault("refers to something else than a storage"))
    }

    fn call(&mut self) -> Step<()> {
        let (arguments, called) = (self.pop()?, self.pop()?);
        let Item::Tuple(arguments, _) = arguments else {
            return Err(self.fault("calls with something else than a tuple"));
        };
        match (called, &*arguments) {
            (Item::OrderedDict, []) => self.dict(),
            (
                Item::RebuildTensor,
                [
                    Item::Storage { key, element },
                    Item::Int(offset),
                    Item::Tuple(size, _),
                    Item::Tuple(stride, _),
                    ..,
                ],
            ) => {
                let numbers = |items: &[Item]| -> Option<Vec<usize>> {
                    let number = |item: &Item| match item {
                        Item::Int(value) => usize::try_from(*value).ok(),
                        _ => None,
                    };
                    items.iter().map(number).collect()
                };
                let parts = (
                    usize::try_from(*offset).ok(),
                    numbers(size),
                    numbers(stride),
                );
                let (Some(offset), Some(size), Some(stride)) = parts else {
                    return Err(self.fault("has a tensor of negative sizes"));
                };
                self.stack.push(Item::Tensor(Rc::new(View {
                    storage: key.clone(),
                    element: element.clone(),
                    offset,
                    size,
                    stride,
                })));
            }
            (Item::RebuildParameter, [tensor @ Item::Tensor(_), ..]) => {
                self.stack.push(tensor.clone());
            }
            _ => return Err(self.fault("makes something else than a tensor")),
        }
        Ok(())
    }

    /// A module's `state_dict` carries `_metadata`, the versions of its layers: not looked at.
    fn state(&mut self) -> Step<()> {
        self.pop()?;
        match self.top()? {
            Item::Dict(_) => Ok(()),
            _ => Err(self.fault("changes something else than a dict")),
        }
    }
}
