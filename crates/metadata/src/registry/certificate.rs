//! Client certificates (RFC 5280) as they are uploaded: one in a PEM text, read as far as the registry needs it.
//!
//! Nobody has to have signed it whom the server knows, because its fingerprint is what is trusted. That a peer has its key is for
//! the TLS handshake to find out, which also refuses keys and signatures that it does not know.
//!
//! Limit: [`MAX_CERTIFICATE_BYTES`].

use std::fmt;
use std::sync::Arc;

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use rustls_pki_types::pem::{PemObject, SectionKind};
use sha2::{Digest, Sha256};

use super::preshared::hex;
use crate::error::MetadataError;

/// The most bytes of an uploaded text.
const MAX_CERTIFICATE_BYTES: usize = 16_384;
/// The most characters of a subject that are kept.
const MAX_SUBJECT: usize = 256;

const UNREADABLE: &str = "the text holds no certificate that can be read";
/// Version 3, as the number stands in a certificate.
const VERSION_3: &[u8] = &[2, 1, 2];
/// Parts of names that have a short form (RFC 4514, section 3).
const SHORT: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// SHA-256 of a certificate in DER, by which a client is known; shown in lower case hexadecimal digits. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFingerprint(Arc<str>);

impl CertificateFingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(hex(&Sha256::digest(certificate)).into())
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the registry keeps of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) fingerprint: CertificateFingerprint,
    /// Whom it names, such as `CN=attic, O=Lab`.
    pub(super) subject: String,
    /// The last moment at which it is good.
    pub(super) not_after_ms: i64,
}

impl Certificate {
    /// Reads the one certificate of a PEM text. One that is too old is refused.
    pub(super) fn from_pem(pem: &str, now_ms: i64) -> Result<Self, MetadataError> {
        if pem.len() > MAX_CERTIFICATE_BYTES {
            let rule = "send one certificate of at most 16,384 bytes (MAX_CERTIFICATE_BYTES, a fixed limit)";
            return Err(MetadataError::Invalid { what: "the text is too long for a certificate", rule });
        }
        let rule = "send it in PEM form, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----";
        let unreadable = MetadataError::Invalid { what: UNREADABLE, rule };
        let mut found = None;
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
            match section {
                Ok((SectionKind::Certificate, der)) if found.is_none() => found = Some(der),
                Ok((SectionKind::Certificate, _)) => {
                    let rule = "send the device's own certificate alone, without those that signed it";
                    return Err(MetadataError::Invalid { what: "the text holds several certificates", rule });
                }
                Ok(_) => {
                    let rule = "send the certificate alone; a private key never leaves its device, so make another pair if this one did";
                    return Err(MetadataError::Invalid { what: "the text holds more than a certificate", rule });
                }
                Err(_) => return Err(unreadable),
            }
        }
        let Some(certificate) = found else { return Err(unreadable) };
        let Ok(read) = read(&certificate) else { return Err(unreadable) };
        let Some((subject, not_after_ms)) = read else {
            let rule = "make one of version 3 of X.509, which TLS needs; with OpenSSL, by giving it an extension";
            return Err(MetadataError::Invalid { what: "the certificate is of an old version", rule });
        };
        if not_after_ms < now_ms {
            let rule = "make another one that is good for longer";
            return Err(MetadataError::Invalid { what: "the certificate has expired", rule });
        }
        Ok(Self { fingerprint: CertificateFingerprint::of(&certificate), subject, not_after_ms })
    }
}

/// The subject and the last moment of a certificate; none if it is not of version 3.
fn read(certificate: &[u8]) -> der::Result<Option<(String, i64)>> {
    let mut certificate = inside(AnyRef::from_der(certificate)?, Tag::Sequence)?;
    let mut signed = inside(certificate.decode()?, Tag::Sequence)?;
    let version: AnyRef<'_> = signed.decode()?;
    if version.tag() != (Tag::ContextSpecific { constructed: true, number: TagNumber(0) })
        || version.value() != VERSION_3
    {
        return Ok(None);
    }
    for _serial_algorithm_issuer in 0..3 {
        signed.decode::<AnyRef<'_>>()?;
    }
    let mut validity = inside(signed.decode()?, Tag::Sequence)?;
    let _not_before: AnyRef<'_> = validity.decode()?;
    let not_after_ms = time_ms(validity.decode()?)?;
    let subject = subject(inside(signed.decode()?, Tag::Sequence)?)?;
    Ok(Some((subject, not_after_ms)))
}

/// What stands in a sequence or a set.
fn inside(value: AnyRef<'_>, tag: Tag) -> der::Result<SliceReader<'_>> {
    value.tag().assert_eq(tag)?;
    SliceReader::new(value.value())
}

/// Milliseconds since the epoch of either form of time.
fn time_ms(time: AnyRef<'_>) -> der::Result<i64> {
    let since_epoch = match time.tag() {
        Tag::UtcTime => time.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => time.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// A name as people read it, in the order of the certificate.
fn subject(mut name: SliceReader<'_>) -> der::Result<String> {
    let mut shown = String::new();
    while !name.is_finished() {
        let mut together = inside(name.decode()?, Tag::Set)?;
        while !together.is_finished() {
            let mut part = inside(together.decode()?, Tag::Sequence)?;
            let kind = part.decode::<ObjectIdentifier>()?.to_string();
            let short = SHORT.iter().find(|(id, _)| *id == kind).map(|(_, short)| *short);
            let separator = if shown.is_empty() { "" } else { ", " };
            shown.extend([separator, short.unwrap_or(&kind), "=", &text(part.decode()?)]);
        }
    }
    Ok(shown.chars().take(MAX_SUBJECT).collect())
}

/// A text of a name, without what would confuse who reads it.
fn text(value: AnyRef<'_>) -> String {
    let text = match value.tag() {
        Tag::BmpString => {
            let units: Vec<u16> = value.value().as_chunks().0.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(value.value()).into_owned(),
    };
    text.chars()
        .flat_map(|character| match character {
            ',' | '=' | '\\' => [Some('\\'), Some(character)],
            _ if character.is_control() => [None, Some(char::REPLACEMENT_CHARACTER)],
            _ => [None, Some(character)],
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn certificate(names: &[(DnType, &str)], not_after: (i32, u8, u8)) -> (String, Vec<u8>, String) {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        params.not_after = rcgen::date_time_ymd(not_after.0, not_after.1, not_after.2);
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        (made.pem(), made.der().to_vec(), key.serialize_pem())
    }

    fn refused(pem: &str) -> String {
        Certificate::from_pem(pem, NOW_MS).unwrap_err().to_string()
    }

    #[test]
    fn a_certificate_is_known_by_its_fingerprint_subject_and_end() {
        let names = [(DnType::CommonName, "attic, \u{e9}"), (DnType::OrganizationName, "Lab")];
        // The two forms of time (RFC 5280, section 4.1.2.5).
        for (year, not_after_ms) in [(2040, 2_208_988_800_000), (2100, 4_102_444_800_000)] {
            let (pem, der, _) = certificate(&names, (year, 1, 1));
            let read = Certificate::from_pem(&format!("Subject: attic\n{pem}"), NOW_MS).unwrap();
            assert_eq!(read.fingerprint, CertificateFingerprint::of(&der));
            assert_eq!(read.fingerprint.as_str().len(), 64);
            assert_eq!((read.subject.as_str(), read.not_after_ms), ("CN=attic\\, \u{e9}, O=Lab", not_after_ms));
        }
    }

    #[test]
    fn what_is_no_single_good_certificate_says_why() {
        let (pem, der, key) = certificate(&[(DnType::CommonName, "attic")], (2100, 1, 1));
        assert!(refused(&format!("{pem}{pem}")).contains("several"));
        assert!(refused(&format!("{pem}{key}")).contains("private key"));
        assert!(refused(&key).contains("private key"));
        for wrong in
            ["", "attic", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &pem[..pem.len() / 2]]
        {
            assert!(refused(wrong).contains(UNREADABLE), "{wrong}");
        }
        assert!(refused(&"x".repeat(MAX_CERTIFICATE_BYTES + 1)).contains("MAX_CERTIFICATE_BYTES"));
        let (old, ..) = certificate(&[(DnType::CommonName, "attic")], (2020, 1, 1));
        assert!(refused(&old).contains("expired"));
        assert!((0..der.len()).all(|length| read(&der[..length]).is_err()), "what is cut is not read");
        for place in 0..der.len() {
            let mut changed = der.clone();
            changed[place] ^= 0xff;
            // Whatever comes of it.
            let _read = read(&changed);
        }
    }

    #[test]
    fn the_first_version_is_not_enough_for_tls() {
        let (_, der, _) = certificate(&[(DnType::CommonName, "attic")], (2100, 1, 1));
        let mut old = der.clone();
        let place = old.windows(5).position(|part| part == [0xa0, 3, 2, 1, 2]).unwrap();
        old[place + 4] = 0;
        assert_eq!(read(&old), Ok(None));
        assert!(matches!(read(&der), Ok(Some(_))));
    }
}
