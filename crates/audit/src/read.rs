//! One file: its bytes, its format, its pixels, and what can be said of them without knowing a bone from a table.

use std::io::{Cursor, ErrorKind};
use std::path::Path;

use fast_image_resize::{FilterType, Resizer};
use image::{GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use osteon_data::{DecodeError, Decoder, Entry, provenance, resized_by};
use sha2::{Digest, Sha256};

use super::copies::Thumb;
use super::{BadFile, FileReport, Misnamed, sha_text};

/// Side of the picture that the nearest neighbour sees, in pixels.
pub(super) const TINY: u32 = 32;

/// What is known of a file.
pub(super) struct Facts {
    pub digest: Option<[u8; 32]>,
    pub bytes: u64,
    pub format: Option<&'static str>,
    pub color: Option<bool>,
    pub exif: bool,
    /// Which drawn image it is, if its file says so.
    pub drawn: Option<String>,
    pub film: Option<Film>,
    error: Option<(String, bool)>,
}

/// What is kept of an image that reads.
pub(super) struct Film {
    pub width: u32,
    pub height: u32,
    pub thumb: Thumb,
    pub tiny: Vec<u8>,
    pub gray: Gray,
}

/// Figures of the gray levels, 0–255 or shares 0–1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gray {
    pub mean: f64,
    pub std: f64,
    pub black: f64,
    pub white: f64,
    pub corners: f64,
}

impl Facts {
    pub fn read(entry: &Entry, decoder: &Decoder, resizer: &mut Resizer) -> Self {
        let mut facts = Self {
            digest: None,
            bytes: 0,
            format: None,
            color: None,
            exif: false,
            drawn: None,
            film: None,
            error: None,
        };
        let bytes = match std::fs::read(&entry.path) {
            Ok(bytes) => bytes,
            Err(error) => {
                facts.error = Some((error.to_string(), false));
                return facts;
            }
        };
        facts.digest = Some(Sha256::digest(&bytes).into());
        facts.bytes = bytes.len() as u64;
        let guessed = image::guess_format(&bytes).ok();
        facts.format = if bytes.get(128..132) == Some(b"DICM") {
            Some("dicom")
        } else {
            guessed.map(name_of)
        };
        facts.color = guessed.and_then(|f| is_color(&bytes, f));
        // Enough of the file for every place where a camera or an editor leaves it.
        let head = &bytes[..bytes.len().min(1 << 16)];
        facts.exif = [b"Exif\0\0".as_slice(), b"eXIf"]
            .iter()
            .any(|mark| head.windows(mark.len()).any(|w| w == *mark));
        facts.drawn = provenance(&bytes);
        match decoder.decode(&bytes) {
            Ok(film) => facts.film = Some(Film::new(&film, resizer)),
            Err(error) => {
                let truncated = is_truncated(&error) || lacks_its_end(&bytes, guessed);
                facts.error = Some((error.to_string(), truncated));
            }
        }
        facts
    }

    pub fn report(&self, entry: &Entry, cluster: Option<usize>) -> FileReport {
        FileReport {
            path: entry.id.clone(),
            cluster,
            sha256: sha_text(self.digest),
            label: entry.label,
            split: entry.split,
            format: self.format,
            width: self.film.as_ref().map(|f| f.width),
            height: self.film.as_ref().map(|f| f.height),
            bytes: self.bytes,
            color: self.color,
            exif: self.exif,
            drawn: self.drawn.clone(),
        }
    }

    pub fn bad(&self, entry: &Entry) -> Option<BadFile> {
        let (reason, truncated) = self.error.clone()?;
        Some(BadFile {
            path: entry.id.clone(),
            reason,
            truncated,
        })
    }

    pub fn misnamed(&self, entry: &Entry) -> Option<Misnamed> {
        let format = self.format?;
        let extension = Path::new(&entry.id)
            .extension()?
            .to_string_lossy()
            .to_lowercase();
        let said = match extension.as_str() {
            "dcm" | "dicom" => "dicom",
            other => ImageFormat::from_extension(other).map(name_of)?,
        };
        (said != format).then(|| Misnamed {
            path: entry.id.clone(),
            extension,
            format,
        })
    }
}

impl Film {
    fn new(film: &GrayImage, resizer: &mut Resizer) -> Self {
        Self {
            width: film.width(),
            height: film.height(),
            thumb: Thumb::new(film, resizer),
            tiny: resized_by(film, (TINY, TINY), FilterType::Bilinear, resizer).into_raw(),
            gray: Gray::of(film),
        }
    }
}

impl Gray {
    fn of(film: &GrayImage) -> Self {
        let mut histogram = [0_u64; 256];
        film.as_raw()
            .iter()
            .for_each(|&v| histogram[usize::from(v)] += 1);
        let n = film.as_raw().len().max(1) as f64;
        let moment = |power: i32| {
            let sum: f64 = histogram
                .iter()
                .enumerate()
                .map(|(v, &c)| (v as f64).powi(power) * c as f64)
                .sum();
            sum / n
        };
        let mean = moment(1);
        // Corners: a twentieth of each side.
        let (w, h) = film.dimensions();
        let (cw, ch) = ((w / 20).max(1), (h / 20).max(1));
        let mut sum = 0_u64;
        for (x0, y0) in [(0, 0), (w - cw, 0), (0, h - ch), (w - cw, h - ch)] {
            for y in y0..y0 + ch {
                sum += (x0..x0 + cw)
                    .map(|x| u64::from(film.get_pixel(x, y).0[0]))
                    .sum::<u64>();
            }
        }
        Self {
            mean,
            std: (moment(2) - mean * mean).max(0.0).sqrt(),
            black: histogram[..=5].iter().sum::<u64>() as f64 / n,
            white: histogram[250..].iter().sum::<u64>() as f64 / n,
            corners: sum as f64 / (4 * u64::from(cw) * u64::from(ch)) as f64,
        }
    }
}

fn name_of(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "jpeg",
        ImageFormat::Png => "png",
        ImageFormat::Gif => "gif",
        ImageFormat::Bmp => "bmp",
        ImageFormat::Tiff => "tiff",
        ImageFormat::WebP => "webp",
        _ => "other",
    }
}

fn is_color(bytes: &[u8], format: ImageFormat) -> Option<bool> {
    let decoder = ImageReader::with_format(Cursor::new(bytes), format)
        .into_decoder()
        .ok()?;
    Some(decoder.color_type().has_color())
}

fn is_truncated(error: &DecodeError) -> bool {
    match error {
        DecodeError::Truncated => true,
        DecodeError::Image {
            source: ImageError::IoError(e),
        } => e.kind() == ErrorKind::UnexpectedEof,
        _ => false,
    }
}

/// Whether a PNG or JPEG that does not read lacks its last marker.
fn lacks_its_end(bytes: &[u8], format: Option<ImageFormat>) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(64)..];
    match format {
        Some(ImageFormat::Png) => !tail.windows(4).any(|w| w == b"IEND"),
        Some(ImageFormat::Jpeg) => !tail.windows(2).any(|w| w == [0xff, 0xd9]),
        _ => false,
    }
}
