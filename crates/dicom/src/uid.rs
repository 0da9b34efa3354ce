//! Unique identifiers: made from UUIDs, which need no registered root (PS3.5 B.2).

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A new one, unlike any other.
pub(crate) fn new() -> String {
    from_uuid(Uuid::new_v4())
}

/// The one that follows from these words: the same whenever they are the same.
pub(crate) fn of(words: &[&str]) -> String {
    let mut digest = Sha256::new();
    for word in words {
        digest.update((word.len() as u64).to_le_bytes());
        digest.update(word.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    from_uuid(Uuid::new_v8(bytes))
}

fn from_uuid(uuid: Uuid) -> String {
    format!("2.25.{}", uuid.as_u128())
}

/// Whether it may name a file and an instance: digits between single dots, 64 characters at most (PS3.5 9.1, but for leading zeros,
/// which are out in the world).
pub(crate) fn is_valid(uid: &str) -> bool {
    uid.len() <= 64
        && uid
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_valid_and_unlike() {
        let made = [
            new(),
            new(),
            of(&["a", "bc"]),
            of(&["ab", "c"]),
            of(&["abc"]),
        ];
        let unlike: std::collections::BTreeSet<_> = made.iter().collect();
        assert_eq!(unlike.len(), made.len());
        for uid in &made {
            assert!(is_valid(uid) && uid.len() <= 44, "{uid}");
        }
        assert_eq!(of(&["a", "bc"]), made[2]);
        for bad in ["", ".", "1..2", "1.2.", "1.2/3", "1.a", &"1".repeat(65)] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
