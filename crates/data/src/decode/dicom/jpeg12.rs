//! JPEG of 12 bits (process 4, sequential, Huffman), one gray channel: what CR and DX files of the lossy "JPEG Extended" syntax
//! hold. Our own, since no crate decodes it without `unsafe` calls into a C library. ITU-T T.81 is the source of all of it.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

use crate::DecodeError;

fn damaged(reason: &'static str) -> DecodeError {
    DecodeError::Jpeg12 { reason }
}

/// Position in the block of each coefficient in the order in which they are coded.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A Huffman table as codes of each length: the first code, how many, and where their values begin (T.81 F.2.2.3).
#[derive(Default, Clone)]
struct Huffman {
    first: [u32; 17],
    count: [u32; 17],
    start: [u32; 17],
    values: Vec<u8>,
}

impl Huffman {
    fn new(counts: &[u8; 16], values: &[u8]) -> Self {
        let mut table = Self {
            values: values.to_vec(),
            ..Self::default()
        };
        let (mut code, mut start) = (0_u32, 0);
        for length in 1..=16 {
            let count = u32::from(counts[length - 1]);
            table.first[length] = code;
            table.count[length] = count;
            table.start[length] = start;
            start += count;
            code = (code + count) << 1;
        }
        table
    }

    fn read(&self, bits: &mut Bits) -> Result<u8, DecodeError> {
        let mut code = 0;
        for length in 1..=16 {
            code = code << 1 | bits.take(1)?;
            let offset = code.wrapping_sub(self.first[length]);
            if offset < self.count[length] {
                let value = self.values.get((self.start[length] + offset) as usize);
                return value.copied().ok_or(damaged("a Huffman table is short"));
            }
        }
        Err(damaged("a code is in no Huffman table"))
    }
}

/// The bits of a scan; ends at a marker.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, wanted: u32) -> Result<u32, DecodeError> {
        while self.count < wanted {
            let &byte = self.data.get(self.at).ok_or(DecodeError::Truncated)?;
            if byte == 0xff {
                match self.data.get(self.at + 1) {
                    Some(0) => self.at += 1,
                    Some(0xd0..=0xd7) => return Err(damaged("a restart comes too early")),
                    _ => return Err(DecodeError::Truncated),
                }
            }
            self.at += 1;
            self.held = self.held << 8 | u32::from(byte);
            self.count += 8;
        }
        self.count -= wanted;
        Ok(self.held >> self.count & ((1 << wanted) - 1))
    }

    /// A signed number of `size` bits (T.81 F.2.2.1, EXTEND).
    fn signed(&mut self, size: u8) -> Result<i32, DecodeError> {
        if size == 0 {
            return Ok(0);
        }
        let value = self.take(size.into())? as i32;
        let half = 1 << (size - 1);
        Ok(if value < half {
            value - 2 * half + 1
        } else {
            value
        })
    }

    fn restart(&mut self) -> Result<(), DecodeError> {
        self.count = 0;
        match self.data.get(self.at..self.at + 2) {
            Some(&[0xff, 0xd0..=0xd7]) => self.at += 2,
            Some(_) => return Err(damaged("a restart is missing")),
            None => return Err(DecodeError::Truncated),
        }
        Ok(())
    }
}

#[derive(Default)]
struct Tables {
    quant: [Option<[u16; 64]>; 4],
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    restart: usize,
    /// Which quantisation table the one component uses.
    component: Option<u8>,
}

/// The samples, 0..=4095, row by row, of a JPEG that is known to be `width`×`height` of one 12-bit component.
pub(super) fn decode(data: &[u8], (width, height): (u32, u32)) -> Result<Vec<u16>, DecodeError> {
    let mut tables = Tables::default();
    let mut rest = data.get(2..).ok_or(DecodeError::Truncated)?;
    loop {
        let &[0xff, marker, high, low, ref after @ ..] = rest else {
            return Err(DecodeError::Truncated);
        };
        if marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let length = length
            .checked_sub(2)
            .ok_or(damaged("a segment is too short"))?;
        let body = after.get(..length).ok_or(DecodeError::Truncated)?;
        rest = &after[length..];
        match marker {
            0xdb => quantisation(body, &mut tables)?,
            0xc4 => huffman(body, &mut tables)?,
            0xdd => {
                let &[high, low] = body else {
                    return Err(damaged("a restart interval of the wrong length"));
                };
                tables.restart = usize::from(u16::from_be_bytes([high, low]));
            }
            0xc1 => tables.component = Some(*body.get(8).ok_or(DecodeError::Truncated)?),
            0xc0..=0xcf => return Err(damaged("not sequential Huffman coding")),
            0xda => return scan(body, rest, &tables, width as usize, height as usize),
            _ => {}
        }
    }
}

fn quantisation(mut body: &[u8], tables: &mut Tables) -> Result<(), DecodeError> {
    while let [kind, after @ ..] = body {
        let mut table = [0; 64];
        let wide = kind >> 4 != 0;
        let bytes = if wide { 128 } else { 64 };
        let entries = after.get(..bytes).ok_or(DecodeError::Truncated)?;
        for (i, entry) in table.iter_mut().enumerate() {
            *entry = if wide {
                u16::from_be_bytes([entries[2 * i], entries[2 * i + 1]])
            } else {
                entries[i].into()
            };
        }
        let slot = tables.quant.get_mut(usize::from(kind & 15));
        *slot.ok_or(damaged("a table's number is above 3"))? = Some(table);
        body = &after[bytes..];
    }
    Ok(())
}

fn huffman(mut body: &[u8], tables: &mut Tables) -> Result<(), DecodeError> {
    while let [kind, after @ ..] = body {
        let (counts, after) = after
            .split_first_chunk::<16>()
            .ok_or(DecodeError::Truncated)?;
        let total = counts.iter().map(|&count| usize::from(count)).sum();
        let values = after.get(..total).ok_or(DecodeError::Truncated)?;
        let slots = if kind >> 4 == 0 {
            &mut tables.dc
        } else {
            &mut tables.ac
        };
        let slot = slots.get_mut(usize::from(kind & 15));
        *slot.ok_or(damaged("a table's number is above 3"))? = Some(Huffman::new(counts, values));
        body = &after[total..];
    }
    Ok(())
}

fn pick<T>(tables: &[Option<T>; 4], number: u8) -> Result<&T, DecodeError> {
    let table = tables.get(usize::from(number)).and_then(Option::as_ref);
    table.ok_or(damaged("a table is missing"))
}

fn scan(
    header: &[u8],
    data: &[u8],
    tables: &Tables,
    width: usize,
    height: usize,
) -> Result<Vec<u16>, DecodeError> {
    let &[1, _, selectors, ..] = header else {
        return Err(damaged("more than one channel"));
    };
    let dc = pick(&tables.dc, selectors >> 4)?;
    let ac = pick(&tables.ac, selectors & 15)?;
    let component = tables.component.ok_or(damaged("no frame header"))?;
    let quant = pick(&tables.quant, component)?;
    let cosines = cosines();
    let mut bits = Bits {
        data,
        at: 0,
        held: 0,
        count: 0,
    };
    let mut out = vec![0_u16; width * height];
    let mut predictor = 0_i32;
    // One channel alone is never interleaved: its blocks come row by row whatever its sampling factors.
    let across = width.div_ceil(8);
    for index in 0..across * height.div_ceil(8) {
        if tables.restart > 0 && index > 0 && index.is_multiple_of(tables.restart) {
            bits.restart()?;
            predictor = 0;
        }
        let mut block = [0.0_f32; 64];
        let size = dc.read(&mut bits)?;
        if size > 16 {
            return Err(damaged("a coefficient is too long"));
        }
        predictor = predictor.wrapping_add(bits.signed(size)?);
        block[0] = predictor as f32 * f32::from(quant[0]);
        let mut at = 1;
        while at < 64 {
            let symbol = ac.read(&mut bits)?;
            let (run, size) = (usize::from(symbol >> 4), symbol & 15);
            match (run, size) {
                (15, 0) => at += 16,
                (_, 0) => break,
                _ => {
                    at += run;
                    let value = bits.signed(size)? as f32;
                    let place = ZIGZAG.get(at).ok_or(damaged("a block is too long"))?;
                    block[usize::from(*place)] = value * f32::from(quant[at]);
                    at += 1;
                }
            }
        }
        let block = inverse_dct(&block, &cosines);
        let (left, top) = (index % across * 8, index / across * 8);
        for (row, samples) in block.as_chunks::<8>().0.iter().enumerate() {
            if top + row >= height {
                break;
            }
            let start = (top + row) * width + left;
            let count = 8.min(width - left);
            for (out, sample) in out[start..start + count].iter_mut().zip(samples) {
                *out = (sample + 2048.0).round().clamp(0.0, 4095.0) as u16;
            }
        }
    }
    Ok(out)
}

/// `cosines[x][u]` = C(u)/2 · cos((2x+1)uπ/16), of T.81 A.3.3.
fn cosines() -> [[f32; 8]; 8] {
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            let scale = if u == 0 { FRAC_1_SQRT_2 } else { 1.0 } / 2.0;
            scale * ((2 * x + 1) as f32 * u as f32 * PI / 16.0).cos()
        })
    })
}

fn inverse_dct(block: &[f32; 64], cosines: &[[f32; 8]; 8]) -> [f32; 64] {
    let mut rows = [0.0; 64];
    for v in 0..8 {
        for x in 0..8 {
            rows[v * 8 + x] = (0..8).map(|u| block[v * 8 + u] * cosines[x][u]).sum();
        }
    }
    let mut out = [0.0; 64];
    for y in 0..8 {
        for x in 0..8 {
            out[y * 8 + x] = (0..8).map(|v| rows[v * 8 + x] * cosines[y][v]).sum();
        }
    }
    out
}
