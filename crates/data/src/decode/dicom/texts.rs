//! Texts that switch between character sets by escape sequences (ISO 2022, PS3.5 6.1.2.5), of which dicom-rs (0.10.1) reads the first set alone
//! and takes the sequences for letters; and the two single-byte sets that it does not know.

use dicom_core::value::PrimitiveValue;
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::text::{SpecificCharacterSet, TextCodec as _};
use dicom_object::{InMemDicomObject, Tag};

const ESCAPE: u8 = 0x1b;

/// A text of the data set as its bytes.
pub(super) struct Raw<'a> {
    pub tag: Tag,
    pub vr: VR,
    pub value: &'a [u8],
}

/// Whether Specific Character Set rules the texts of this type.
pub(super) fn is_text(vr: VR) -> bool {
    use VR::{LO, LT, PN, SH, ST, UC, UT};
    matches!(vr, SH | LO | ST | LT | PN | UC | UT)
}

/// Puts right the texts of a data set that dicom-rs reads wrongly; what cannot be read is left empty. `sets` is Specific Character Set as it
/// is written.
pub(super) fn put_right(object: &mut InMemDicomObject, sets: &[u8], texts: &[Raw<'_>]) {
    let sets = String::from_utf8_lossy(sets);
    let terms: Vec<&str> = sets
        .split('\\')
        .map(|term| term.trim_matches(|c: char| c.is_whitespace() || c == '\0'))
        .collect();
    let known = match terms[..] {
        [""] => true,
        [only] => SpecificCharacterSet::from_code(only).is_some(),
        _ => false,
    };
    let start = Start::new(&terms);
    let mut changed = false;
    for text in texts {
        // ASCII is the same in all of them.
        if !text.value.contains(&ESCAPE) && (known || text.value.is_ascii()) {
            continue;
        }
        let read = start
            .as_ref()
            .and_then(|start| start.read(text.value, text.vr));
        let value = match read {
            Some(read) if !read.is_empty() => {
                PrimitiveValue::Strs(read.split('\\').map(str::to_owned).collect())
            }
            _ => PrimitiveValue::Empty,
        };
        object.put(DataElement::new(text.tag, text.vr, value));
        changed = true;
    }
    if changed {
        let utf8 = PrimitiveValue::from("ISO_IR 192");
        object.put(DataElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, utf8));
    }
}

/// A set of characters, in the lower or the upper half of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    /// JIS X 0201: ASCII but for two characters.
    Romaji,
    /// JIS X 0201.
    Katakana,
    /// JIS X 0208, two bytes of the lower half.
    Kanji,
    /// JIS X 0212, two bytes of the lower half; not read.
    MoreKanji,
    /// One that dicom-rs has, of one or two bytes of the upper half, by its name.
    Named(&'static str),
    /// ISO 8859-9.
    Turkish,
    /// ISO 8859-15.
    Latin9,
}

/// What a text begins with, by Specific Character Set.
struct Start {
    lower: Set,
    upper: Option<Set>,
}

impl Start {
    /// `None` where a term is of none of the sets that ISO 2022 switches between, such as UTF-8: escape sequences have no place there.
    fn new(terms: &[&str]) -> Option<Self> {
        let mut halves = Vec::new();
        for term in terms {
            halves.push(halves_of(term)?);
        }
        // Some begin the upper half without saying with which set: it is that of the next term.
        let upper = halves.iter().find_map(|(_, upper)| *upper);
        let lower = halves.first().map_or(Set::Ascii, |(lower, _)| *lower);
        Some(Self { lower, upper })
    }

    fn read(&self, value: &[u8], vr: VR) -> Option<String> {
        let mut text = String::new();
        let (mut lower, mut upper) = (self.lower, self.upper);
        let mut rest = value;
        while let Some(&byte) = rest.first() {
            let run = |is: fn(&u8) -> bool| rest.iter().take_while(|byte| is(byte)).count();
            let length = if byte == ESCAPE {
                let (length, set, is_lower) = escape(rest)?;
                if is_lower {
                    lower = set;
                } else {
                    upper = Some(set);
                }
                length
            } else if byte >= 0x80 {
                let length = run(|byte| *byte >= 0x80);
                text += &high(upper?, &rest[..length])?;
                length
            } else if matches!(lower, Set::Kanji | Set::MoreKanji) && byte > 0x20 {
                let length = run(|byte| (0x21..=0x7e).contains(byte));
                text += &kanji(lower, &rest[..length])?;
                length
            } else {
                text.push(match byte {
                    b'~' if lower == Set::Romaji => '\u{203e}',
                    _ => char::from(byte),
                });
                let ends = match byte {
                    b'\\' | b'\n' | b'\r' | b'\t' | 0x0c => true,
                    b'^' | b'=' => vr == VR::PN,
                    _ => false,
                };
                if ends {
                    // Each part begins anew; who does not switch again means the set before.
                    lower = self.lower;
                    upper = self.upper.or(upper);
                }
                1
            };
            rest = &rest[length..];
        }
        Some(text.trim_end_matches([' ', '\0']).to_owned())
    }
}

/// The two halves that a defined term stands for.
fn halves_of(term: &str) -> Option<(Set, Option<Set>)> {
    let term = term.to_ascii_uppercase();
    let digits = term.rfind(|c: char| !c.is_ascii_digit());
    let number = digits.map_or(term.as_str(), |last| &term[last + 1..]);
    Some(match number {
        "" if term.is_empty() => (Set::Ascii, None),
        "13" => (Set::Romaji, Some(Set::Katakana)),
        "6" | "87" | "159" => (Set::Ascii, None),
        "148" => (Set::Ascii, Some(Set::Turkish)),
        "203" => (Set::Ascii, Some(Set::Latin9)),
        number => {
            let named = NAMED
                .iter()
                .find(|(_, name)| name.ends_with(&format!(" {number}")))?;
            (Set::Ascii, Some(Set::Named(named.1)))
        }
    })
}

/// The final bytes of the escape sequences of the upper half, and the sets' names.
const NAMED: [(&[u8], &str); 11] = [
    (b"-A", "ISO_IR 100"),
    (b"-B", "ISO_IR 101"),
    (b"-C", "ISO_IR 109"),
    (b"-D", "ISO_IR 110"),
    (b"-L", "ISO_IR 144"),
    (b"-G", "ISO_IR 127"),
    (b"-F", "ISO_IR 126"),
    (b"-H", "ISO_IR 138"),
    (b"-T", "ISO_IR 166"),
    (b"$)C", "ISO_IR 149"),
    (b"$)A", "ISO 2022 IR 58"),
];

/// The length of an escape sequence, its set, and whether that is one of the lower half (PS3.3 C.12.1.1.2, tables C.12-3 and C.12-4).
fn escape(bytes: &[u8]) -> Option<(usize, Set, bool)> {
    let after = &bytes[1..];
    let others: [(&[u8], Set, bool); 8] = [
        (b"(B", Set::Ascii, true),
        (b"(J", Set::Romaji, true),
        (b"$B", Set::Kanji, true),
        (b"$@", Set::Kanji, true),
        (b"$(D", Set::MoreKanji, true),
        (b")I", Set::Katakana, false),
        (b"-M", Set::Turkish, false),
        (b"-b", Set::Latin9, false),
    ];
    let named = NAMED
        .iter()
        .map(|&(bytes, name)| (bytes, Set::Named(name), false));
    others
        .into_iter()
        .chain(named)
        .find(|(bytes, ..)| after.starts_with(bytes))
        .map(|(bytes, set, is_lower)| (1 + bytes.len(), set, is_lower))
}

fn high(set: Set, run: &[u8]) -> Option<String> {
    let single = |special: fn(u8) -> Option<char>| {
        run.iter()
            .map(|&byte| special(byte).or(Some(char::from(byte))))
            .collect()
    };
    match set {
        Set::Katakana => run
            .iter()
            .map(|&byte| match byte {
                0xa1..=0xdf => char::from_u32(0xff61 + u32::from(byte) - 0xa1),
                _ => None,
            })
            .collect(),
        Set::Turkish => single(|byte| {
            Some(match byte {
                0xd0 => 'Ğ',
                0xdd => 'İ',
                0xde => 'Ş',
                0xf0 => 'ğ',
                0xfd => 'ı',
                0xfe => 'ş',
                _ => return None,
            })
        }),
        Set::Latin9 => single(|byte| {
            Some(match byte {
                0xa4 => '€',
                0xa6 => 'Š',
                0xa8 => 'š',
                0xb4 => 'Ž',
                0xb8 => 'ž',
                0xbc => 'Œ',
                0xbd => 'œ',
                0xbe => 'Ÿ',
                _ => return None,
            })
        }),
        Set::Named(name) => by_name(name, run),
        Set::Ascii | Set::Romaji | Set::Kanji | Set::MoreKanji => None,
    }
}

fn kanji(set: Set, run: &[u8]) -> Option<String> {
    if set != Set::Kanji {
        return None;
    }
    by_name("ISO_IR 87", &[b"\x1b$B", run].concat())
}

/// By dicom-rs, which writes a backslash and three digits for a byte that is no character.
fn by_name(name: &str, run: &[u8]) -> Option<String> {
    let text = SpecificCharacterSet::from_code(name)?.decode(run).ok()?;
    (!text.contains(['\\', '\u{fffd}', '\u{1b}'])).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(terms: &[&str], value: &[u8]) -> Option<String> {
        Start::new(terms)?.read(value, VR::PN)
    }

    /// The examples of PS3.5, annexes H, I, J and K.
    #[test]
    fn the_standard_s_own_names() {
        let japanese =
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        let name = "Yamada^Tarou=山田^太郎=やまだ^たろう";
        assert_eq!(
            read(&["", "ISO 2022 IR 87"], japanese).as_deref(),
            Some(name)
        );
        assert_eq!(
            read(&["ISO 2022 IR 6", "ISO 2022 IR 87"], japanese).as_deref(),
            Some(name)
        );
        // Without a word on it, and with the escapes of 13, which are romaji and katakana.
        assert_eq!(read(&[""], japanese).as_deref(), Some(name));
        let halves = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J";
        assert_eq!(
            read(&["ISO 2022 IR 13", "ISO 2022 IR 87"], halves).as_deref(),
            Some("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう")
        );
        let korean = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        let name = "Hong^Gildong=洪^吉洞=홍^길동";
        for terms in [
            &["", "ISO 2022 IR 149"][..],
            &["ISO 2022 IR 149"],
            &["ISO_IR 149"],
        ] {
            assert_eq!(read(terms, korean).as_deref(), Some(name), "{terms:?}");
        }
        let chinese = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=";
        assert_eq!(
            read(&["", "ISO 2022 IR 58"], chinese).as_deref(),
            Some("Zhang^XiaoDong=张^小东=")
        );
    }

    #[test]
    fn single_bytes_switch_too() {
        let greek = b"Dionysios=\x1b-F\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2";
        assert_eq!(
            read(&["ISO 2022 IR 100", "ISO 2022 IR 126"], greek).as_deref(),
            Some("Dionysios=Διονυσιος")
        );
        let mixed = b"Buc^J\xe9r\xf4me=\x1b-L\xbb\xee\xda\x1b-A^\xe9";
        assert_eq!(
            read(&["ISO 2022 IR 100", "ISO 2022 IR 144"], mixed).as_deref(),
            Some("Buc^Jérôme=Люк^é")
        );
        assert_eq!(
            read(&["ISO_IR 148"], b"\xddnce\xf0^\xde").as_deref(),
            Some("İnceğ^Ş")
        );
        assert_eq!(read(&["ISO_IR 203"], b"C\xbdur").as_deref(), Some("Cœur"));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        // An unknown sequence; one that is cut; half a character; JIS X 0212; a byte of no set; UTF-8.
        for (terms, value) in [
            (&[""][..], &b"a\x1b%Gb"[..]),
            (&[""], b"a\x1b$"),
            (&["", "ISO 2022 IR 87"], b"\x1b$B;\x1b(B"),
            (&["", "ISO 2022 IR 159"], b"\x1b$(D0!\x1b(B"),
            (&[""], b"M\xfcller\x1b(B"),
            (&["ISO_IR 192"], b"\x1b$B;3ED\x1b(B"),
        ] {
            assert_eq!(read(terms, value), None, "{}", value.escape_ascii());
        }
    }
}
