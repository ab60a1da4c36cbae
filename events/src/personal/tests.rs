//! What is sealed can be opened by its key alone, and only where it belongs.

use super::*;
use crate::log::PersonKey;

const ACME: Uuid = Uuid::from_u128(1);
const ANNA: Uuid = Uuid::from_u128(2);
const BERT: Uuid = Uuid::from_u128(3);

fn key(byte: u8) -> Key {
    Key::new([byte; KEY_BYTES])
}

fn ring(keys: &[(Uuid, Uuid, u8)]) -> Keyring {
    let mut ring = Keyring::default();
    for (organization, id, byte) in keys {
        ring.add(PersonKey { organization: *organization, id: *id }, key(*byte));
    }
    ring
}

fn sealed(text: &str, salt: &[u8]) -> Personal<String> {
    let mut personal = Personal::new(ANNA, text.to_owned());
    personal.seal(ACME, &ring(&[(ACME, ANNA, 7)]), &[salt]).unwrap();
    personal
}

fn stored(personal: &Personal<String>) -> String {
    serde_json::to_string(personal).unwrap()
}

#[test]
fn what_is_stored_opens_with_the_persons_key() {
    let text = stored(&sealed("Anna Quaas", b"1"));
    assert!(!text.contains("Anna"), "{text}");
    let mut back: Personal<String> = serde_json::from_str(&text).unwrap();
    assert_eq!(back.clear(), None);
    back.open(ACME, &ring(&[(ACME, ANNA, 7)])).unwrap();
    assert_eq!(back.clear().map(String::as_str), Some("Anna Quaas"));
    assert_eq!(back.person(), ANNA);
}

#[test]
fn nothing_else_opens_it() {
    let found = sealed("Anna Quaas", b"1");
    for (organization, keys) in [
        (ACME, ring(&[(ACME, ANNA, 8)])),
        (BERT, ring(&[(BERT, ANNA, 7)])),
        (ACME, ring(&[(ACME, BERT, 7)])),
        (ACME, Keyring::default()),
    ] {
        let mut found = found.clone();
        assert!(found.open(organization, &keys).is_err(), "{keys:?}");
        assert_eq!(found.clear(), None);
    }
    // Sealed for Anna, and said to be Bert's, who has the same key.
    let as_berts = stored(&found).replace(&ANNA.to_string(), &BERT.to_string());
    let mut as_berts: Personal<String> = serde_json::from_str(&as_berts).unwrap();
    assert!(as_berts.open(ACME, &ring(&[(ACME, BERT, 7)])).is_err());
}

#[test]
fn a_changed_byte_is_noticed() {
    let Content::Sealed(bytes) = sealed("Anna Quaas", b"1").content else { panic!("not sealed") };
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let mut changed = Personal::<String> { person: ANNA, content: Content::Sealed(bytes) };
        assert!(changed.open(ACME, &ring(&[(ACME, ANNA, 7)])).is_err(), "byte {at}");
    }
}

#[test]
fn the_same_text_sealed_by_another_command_looks_different() {
    let once = stored(&sealed("Anna Quaas", b"1"));
    assert_ne!(once, stored(&sealed("Anna Quaas", b"2")));
    assert_eq!(once, stored(&sealed("Anna Quaas", b"1")), "nothing is left to chance");
}

#[test]
fn what_is_clear_is_never_written_down() {
    let clear = Personal::new(ANNA, "Anna Quaas".to_owned());
    assert!(serde_json::to_string(&clear).is_err());
    assert!(!format!("{clear:?}").contains("Anna Quaas"));
    assert!(!format!("{:?}", key(42)).contains("42"));
}

#[test]
fn master_keys_are_read_as_they_are_written() {
    let masters = Masters::default().with_new([1; KEY_BYTES]).with_new([2; KEY_BYTES]);
    assert_eq!(Masters::parse(&masters.text()), Ok(masters.clone()));
    let noted = masters.text().replace('\n', " # of 2026\n");
    assert_eq!(Masters::parse(&format!("# keys\n\n{noted}")), Ok(masters.clone()));
    let of_configuration = masters.text().trim().replace('\n', ",");
    assert_eq!(Masters::parse(&of_configuration), Ok(masters.clone()));
    assert_eq!(masters.ids().count(), 2);
    let error = Masters::parse(&format!("{}c2hvcnQ=\n", masters.text())).unwrap_err();
    assert!(error.contains("line 3") && !error.contains("c2hvcnQ"), "{error}");
}
