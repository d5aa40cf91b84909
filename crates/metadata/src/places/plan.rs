//! The picture of a place. It was cleaned before it comes here, and is read only when it is asked for.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use sensorium_model::{PlaceId, Principal};

use super::{Place, SUBJECT, facts};
use crate::audit::Change;
use crate::entity::{place, place_plan};
use crate::error::MetadataError;
use crate::metadata::Metadata;
use crate::registry::may_manage;

/// A picture to keep.
#[derive(Debug, Clone)]
pub struct NewPicture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Such as `image/png`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A picture that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Such as `image/png`.
    pub media_type: String,
    /// When it was uploaded, in milliseconds since the epoch.
    pub changed_at_ms: i64,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Metadata {
    /// The plan of a place that the caller sees.
    pub async fn plan_of_place(&self, who: &Principal, id: PlaceId) -> Result<Picture, MetadataError> {
        let row = self.seen_place(self.db(), who, id).await?;
        let picture = place_plan::Entity::find_by_id(row.id)
            .filter(place_plan::Column::OrgId.eq(row.org_id))
            .one(self.db())
            .await?
            .ok_or(MetadataError::Missing("plan of this place"))?;
        Ok(Picture {
            media_type: row.plan_media_type.unwrap_or_default(),
            changed_at_ms: row.plan_changed_at_ms.unwrap_or_default(),
            bytes: picture.picture,
        })
    }

    /// Gives a place a plan, in the place of the one before it; what stands on it stays where it is. The scale is kept if the
    /// size is.
    pub async fn set_plan(
        &self,
        who: &Principal,
        id: PlaceId,
        version: i64,
        picture: NewPicture,
    ) -> Result<Place, MetadataError> {
        let size = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
        let (width, height) = (size(picture.width), size(picture.height));
        let change = |before: &place::Model| {
            let is_same_size = before.plan_width == Some(width) && before.plan_height == Some(height);
            place::Model {
                plan_width: Some(width),
                plan_height: Some(height),
                plan_media_type: Some(picture.media_type.to_owned()),
                plan_changed_at_ms: Some(self.now_ms()),
                metres_per_pixel: before.metres_per_pixel.filter(|_| is_same_size),
                ..before.clone()
            }
        };
        self.change_plan(who, id, version, change, Some(picture.bytes.clone())).await
    }

    /// Takes the plan of a place away; the devices stay in the place.
    pub async fn delete_plan(&self, who: &Principal, id: PlaceId, version: i64) -> Result<Place, MetadataError> {
        let change = |before: &place::Model| place::Model {
            plan_width: None,
            plan_height: None,
            plan_media_type: None,
            plan_changed_at_ms: None,
            metres_per_pixel: None,
            ..before.clone()
        };
        self.change_plan(who, id, version, change, None).await
    }

    async fn change_plan(
        &self,
        who: &Principal,
        id: PlaceId,
        version: i64,
        change: impl FnOnce(&place::Model) -> place::Model,
        picture: Option<Vec<u8>>,
    ) -> Result<Place, MetadataError> {
        may_manage(who)?;
        let transaction = self.begin().await?;
        self.claim_registry(&transaction, who.org).await?;
        let before = self.place_of_version(&transaction, who, id, version).await?;
        let after = place::Model { version: before.version.saturating_add(1), ..change(&before) };
        self.replace_place(&transaction, &after).await?;
        place_plan::Entity::delete_many()
            .filter(place_plan::Column::PlaceId.eq(before.id))
            .filter(place_plan::Column::OrgId.eq(before.org_id))
            .exec(&transaction)
            .await?;
        if let Some(picture) = picture {
            let row =
                place_plan::ActiveModel { place_id: Set(before.id), org_id: Set(before.org_id), picture: Set(picture) };
            place_plan::Entity::insert(row).exec_without_returning(&transaction).await?;
        }
        let entry = Change::new("changed", SUBJECT, &before.name).before(facts(&before)).after(facts(&after));
        self.record(&transaction, who, entry).await?;
        let now = self.describe_place(&transaction, &after).await?;
        transaction.commit().await?;
        Ok(now)
    }
}
