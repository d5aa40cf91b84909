//! Listing devices: filtered, sorted, and a page at a time.
//!
//! A page begins after the value and the id of the last device before it, so that a page costs the same wherever it is, and
//! devices that come and go between two pages neither repeat nor hide others.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Value};
use sensorium_model::{DeviceId, DeviceTypeId, PlaceId, Principal};
use uuid::Uuid;

use super::devices::DeviceTypeRef;
use super::{Device, MAX_PAGE, may_read, name_key, wrong};
use crate::entity::{device, device_type};
use crate::error::MetadataError;
use crate::groups::visible::Visible;
use crate::history::{MAX_TEXT, containing};
use crate::metadata::Metadata;

/// Which devices to list, and in which order; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct DeviceQuery {
    /// Stands somewhere in the name, the attributes or the tags, without regard to case; at most 100 characters.
    pub text: Option<String>,
    /// Only those of a type.
    pub type_id: Option<DeviceTypeId>,
    /// Only those that stand there.
    pub place: Option<Standing>,
    /// Only those that may write, or only those that may not.
    pub enabled: Option<bool>,
    /// The order.
    pub sort: DeviceSort,
    /// The order the other way round.
    pub descending: bool,
    /// Only those after this place.
    pub after: Option<DeviceCursor>,
    /// At most so many, and at most 1,000.
    pub limit: u64,
}

/// Where devices stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On the plan of this place itself.
    On(PlaceId),
    /// On its plan, or on that of a place in it.
    Within(PlaceId),
}

/// What devices are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceSort {
    /// The name, without regard to case.
    #[default]
    Name,
    /// When they were added.
    Created,
    /// The name of their type; those without one come first.
    Type,
    /// When they last sent something, as it was last written to the database; those that never did come first.
    LastSeen,
}

impl DeviceSort {
    fn letter(self) -> char {
        match self {
            Self::Name => 'n',
            Self::Created => 'c',
            Self::Type => 't',
            Self::LastSeen => 's',
        }
    }

    /// What the database sorts by.
    fn key(self) -> Expr {
        match self {
            Self::Name => Expr::col(device::Column::NameKey),
            Self::Created => Expr::col(device::Column::CreatedAtMs),
            Self::LastSeen => Expr::col(device::Column::LastSeenMs),
            Self::Type => {
                let mut name = Query::select();
                name.column((device_type::Entity, device_type::Column::NameKey)).from(device_type::Entity).and_where(
                    Expr::col((device_type::Entity, device_type::Column::Id))
                        .equals((device::Entity, device::Column::TypeId)),
                );
                Func::coalesce([Expr::from(name), Expr::value("")]).into()
            }
        }
    }
}

/// Where the next page of a listing begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCursor {
    sort: DeviceSort,
    id: Uuid,
    /// What the device before it was sorted by.
    value: String,
}

impl DeviceCursor {
    /// The place after a device in a listing that is sorted so.
    pub fn after(device: &Device, sort: DeviceSort) -> Self {
        let value = match sort {
            DeviceSort::Name => name_key(&device.name),
            DeviceSort::Created => device.created_at_ms.to_string(),
            DeviceSort::Type => device.device_type.as_ref().map(|of| name_key(&of.name)).unwrap_or_default(),
            DeviceSort::LastSeen => device.status.last_seen_ms.unwrap_or_default().to_string(),
        };
        Self { sort, id: *device.id.as_uuid(), value }
    }

    fn value(&self) -> Option<Value> {
        match self.sort {
            // No name holds control characters, and PostgreSQL takes no U+0000.
            DeviceSort::Name | DeviceSort::Type if self.value.chars().any(char::is_control) => None,
            DeviceSort::Name | DeviceSort::Type => Some(Value::from(self.value.as_str())),
            DeviceSort::Created | DeviceSort::LastSeen => self.value.parse::<i64>().ok().map(Value::from),
        }
    }
}

impl fmt::Display for DeviceCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = format!("{}{}{}", self.sort.letter(), self.id.simple(), self.value);
        f.write_str(&URL_SAFE_NO_PAD.encode(plain))
    }
}

impl FromStr for DeviceCursor {
    type Err = MetadataError;

    fn from_str(text: &str) -> Result<Self, MetadataError> {
        /// Characters of an id.
        const ID: usize = 32;
        let parsed = || {
            let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let letter = plain.chars().next()?;
            let sorts = [DeviceSort::Name, DeviceSort::Created, DeviceSort::Type, DeviceSort::LastSeen];
            let sort = sorts.into_iter().find(|sort| sort.letter() == letter)?;
            let id = Uuid::try_parse(plain.get(1..=ID)?).ok()?;
            let cursor = Self { sort, id, value: plain.get(ID + 1..)?.to_owned() };
            cursor.value().map(|_| cursor)
        };
        parsed().ok_or_else(no_such_page)
    }
}

fn no_such_page() -> MetadataError {
    let rule = "send what the page before gave as `next`, with the same order, or leave it out";
    MetadataError::Invalid { what: "there is no such page", rule }
}

impl Metadata {
    /// The names of devices of the caller's organisation; without those that there are not.
    pub async fn device_names(
        &self,
        who: &Principal,
        ids: &[DeviceId],
    ) -> Result<HashMap<DeviceId, String>, MetadataError> {
        may_read(who)?;
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let named: Vec<(Uuid, String)> = device::Entity::find()
            .select_only()
            .columns([device::Column::Id, device::Column::Name])
            .filter(device::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(device::Column::Id.is_in(ids.iter().map(|id| *id.as_uuid())))
            .into_tuple()
            .all(self.db())
            .await?;
        Ok(named.into_iter().map(|(id, name)| (DeviceId::from_uuid(id), name)).collect())
    }

    /// A page of the devices of the caller's organisation that the caller sees, and the place where the next one begins, if this one is full.
    pub async fn devices(
        &self,
        who: &Principal,
        query: &DeviceQuery,
    ) -> Result<(Vec<Device>, Option<DeviceCursor>), MetadataError> {
        let visible = Visible::to(who)?;
        let limit = query.limit.clamp(1, MAX_PAGE);
        let key = query.sort.key();
        let order = if query.descending { Order::Desc } else { Order::Asc };
        let mut select = device::Entity::find()
            .filter(device::Column::OrgId.eq(*who.org.as_uuid()))
            .filter(visible.devices())
            .filter(condition(query)?);
        let places = match query.place {
            None => None,
            Some(Standing::On(place)) => Some(vec![self.seen_place(self.db(), who, place).await?.id]),
            Some(Standing::Within(place)) => Some(self.places_within(self.db(), who, place).await?),
        };
        if let Some(places) = places {
            select = select.filter(device::Column::PlaceId.is_in(places));
        }
        if let Some(after) = &query.after {
            let value = after.value().filter(|_| after.sort == query.sort).ok_or_else(no_such_page)?;
            select = select.filter(beyond(&key, value, after.id, query.descending));
        }
        let mut rows =
            select.order_by(key, order.clone()).order_by(device::Column::Id, order).limit(limit).all(self.db()).await?;
        visible.conceal_places(self.db(), &mut rows).await?;
        let stored = rows.last().map(|last| last.last_seen_ms);
        let names = self.type_names(self.db(), who.org, rows.iter().filter_map(|row| row.type_id)).await?;
        let is_full = u64::try_from(rows.len()).is_ok_and(|count| count == limit);
        let devices: Vec<Device> = rows
            .into_iter()
            .map(|row| {
                let device_type = row.type_id.and_then(|id| {
                    let name = names.get(&id)?.clone();
                    Some(DeviceTypeRef { id: DeviceTypeId::from_uuid(id), name })
                });
                self.complete_device(row, device_type)
            })
            .collect();
        let mut next = devices.last().filter(|_| is_full).map(|last| DeviceCursor::after(last, query.sort));
        // A device that was seen since the last writing is sorted by what was written.
        if let (DeviceSort::LastSeen, Some(next), Some(last_seen_ms)) = (query.sort, &mut next, stored) {
            next.value = last_seen_ms.to_string();
        }
        Ok((devices, next))
    }
}

/// What comes after a place: from its value on, which an index finds, without what has the same value and comes before.
fn beyond(key: &Expr, value: Value, id: Uuid, descending: bool) -> Condition {
    let value = Expr::value(value);
    let (from, further, later) = if descending {
        (key.clone().lte(value.clone()), key.clone().lt(value), device::Column::Id.lt(id))
    } else {
        (key.clone().gte(value.clone()), key.clone().gt(value), device::Column::Id.gt(id))
    };
    Condition::all().add(from).add(Condition::any().add(further).add(later))
}

fn condition(query: &DeviceQuery) -> Result<Condition, MetadataError> {
    let mut all = Condition::all();
    if let Some(text) = query.text.as_deref().filter(|text| !text.is_empty()) {
        if text.chars().count() > MAX_TEXT {
            let rule = format!("look for at most {MAX_TEXT} characters (MAX_TEXT, a fixed limit)");
            return Err(wrong("the text to look for is too long", rule));
        }
        if text.chars().any(char::is_control) {
            return Err(wrong("the text to look for cannot be used", "look for a text without control characters"));
        }
        let text = name_key(text);
        let mut anywhere = Condition::any().add(device::Column::NameKey.like(containing(&text)));
        for column in [device::Column::Attributes, device::Column::Tags] {
            anywhere = anywhere.add(Expr::from(Func::lower(Expr::col(column))).like(containing(&text)));
        }
        all = all.add(anywhere);
    }
    all = all.add_option(query.type_id.map(|id| device::Column::TypeId.eq(*id.as_uuid())));
    Ok(all.add_option(query.enabled.map(|enabled| device::Column::Enabled.eq(enabled))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_written_and_nonsense_is_refused() {
        for (sort, value) in [
            (DeviceSort::Name, "a_b é/+?"),
            (DeviceSort::Type, ""),
            (DeviceSort::Created, "1700000000000"),
            (DeviceSort::LastSeen, "0"),
        ] {
            let cursor = DeviceCursor { sort, id: Uuid::from_u128(7), value: value.to_owned() };
            let text = cursor.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
            assert_eq!(text.parse::<DeviceCursor>().unwrap(), cursor);
        }
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let id = Uuid::nil().simple().to_string();
        for nonsense in [
            "",
            "x",
            &encode("n"),
            &encode(&format!("x{id}")),
            &encode(&format!("c{id}abc")),
            &encode(&format!("n{id}a\0b")),
            &encode("näö"),
        ] {
            assert!(nonsense.parse::<DeviceCursor>().is_err(), "{nonsense:?} was accepted");
        }
    }
}
