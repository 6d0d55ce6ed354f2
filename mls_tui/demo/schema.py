"""The entity model: every resource, its fields and their Edm types, and the ``$metadata`` document made from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

NAMESPACE = "org.reso.metadata"


@dataclass(frozen=True, slots=True)
class EdmField:
    """A structural property: ``edm`` is the primitive's name without ``Edm.``."""

    name: str
    edm: str
    collection: bool = False


@dataclass(frozen=True, slots=True)
class Navigation:
    """A navigation property: the rows of ``target`` whose ``target_column`` equals this row's
    ``column``."""

    name: str
    target: str
    collection: bool
    column: str
    target_column: str


@dataclass(frozen=True, slots=True)
class EntityType:
    """One resource: its key, its fields by name, its navigation properties by name."""

    name: str
    key: str
    fields: dict[str, EdmField]
    navigations: dict[str, Navigation] = field(default_factory=dict)


def _fields(**names_by_type: str) -> dict[str, EdmField]:
    found = {}
    for kind, names in names_by_type.items():
        collection = kind == "Collection"
        for name in names.split():
            found[name] = EdmField(name, "String" if collection else kind, collection)
    return found


PROPERTY = EntityType(
    "Property",
    "ListingKey",
    _fields(
        String="ListingKey ListingId OriginatingSystemName OriginatingSystemKey StandardStatus MlsStatus PropertyType "
        "PropertySubType UnparsedAddress StreetNumber StreetDirPrefix StreetName StreetSuffix UnitNumber City "
        "StateOrProvince PostalCode CountyOrParish Country LivingAreaUnits PublicRemarks PrivateRemarks ListAgentKey "
        "ListAgentMlsId ListAgentFullName ListOfficeKey ListOfficeName WaterBodyName ElementarySchool HighSchool "
        "LotSizeUnits LeaseAmountFrequency LeaseTerm",
        Decimal="ListPrice OriginalListPrice ClosePrice TaxAnnualAmount AssociationFee LivingArea LotSizeAcres "
        "LotSizeSquareFeet LotSizeArea GarageSpaces LeaseAmount TotalActualRent",
        Double="Latitude Longitude",
        Int32="BedroomsTotal BathroomsFull BathroomsHalf BathroomsTotalInteger YearBuilt StoriesTotal DaysOnMarket "
        "PhotosCount",
        Boolean="GarageYN PoolPrivateYN FireplaceYN WaterfrontYN InternetEntireListingDisplayYN "
        "InternetAddressDisplayYN",
        Date="CloseDate PurchaseContractDate ListingContractDate OnMarketDate",
        DateTimeOffset="OriginalEntryTimestamp ModificationTimestamp StatusChangeTimestamp PhotosChangeTimestamp",
        Collection="InteriorFeatures ExteriorFeatures Appliances Heating Cooling Flooring ParkingFeatures LotFeatures "
        "View PoolFeatures",
    ),
    {
        "Media": Navigation("Media", "Media", True, "ListingKey", "ResourceRecordKey"),
        "OpenHouse": Navigation("OpenHouse", "OpenHouse", True, "ListingKey", "ListingKey"),
        "ListAgent": Navigation("ListAgent", "Member", False, "ListAgentKey", "MemberKey"),
        "ListOffice": Navigation("ListOffice", "Office", False, "ListOfficeKey", "OfficeKey"),
    },
)
MEDIA = EntityType(
    "Media",
    "MediaKey",
    _fields(
        String="MediaKey ResourceRecordKey ResourceRecordID ResourceName MediaCategory MediaType MediaURL "
        "ShortDescription LongDescription ImageSizeDescription OriginatingSystemName",
        Int32="Order ImageWidth ImageHeight",
        Boolean="PreferredPhotoYN",
        DateTimeOffset="ModificationTimestamp MediaModificationTimestamp",
        Collection="Permission",
    ),
)
OPEN_HOUSE = EntityType(
    "OpenHouse",
    "OpenHouseKey",
    _fields(
        String="OpenHouseKey OpenHouseId ListingKey ListingId OpenHouseStatus OpenHouseType OpenHouseRemarks "
        "Refreshments ShowingAgentKey ShowingAgentMlsID OriginatingSystemName",
        Date="OpenHouseDate",
        DateTimeOffset="OpenHouseStartTime OpenHouseEndTime OriginalEntryTimestamp ModificationTimestamp",
    ),
)
MEMBER = EntityType(
    "Member",
    "MemberKey",
    _fields(
        String="MemberKey MemberMlsId MemberLoginId MemberFirstName MemberLastName MemberFullName MemberEmail "
        "MemberDirectPhone MemberStatus OfficeKey OfficeName OriginatingSystemName",
        DateTimeOffset="ModificationTimestamp",
    ),
    {"Office": Navigation("Office", "Office", False, "OfficeKey", "OfficeKey")},
)
OFFICE = EntityType(
    "Office",
    "OfficeKey",
    _fields(
        String="OfficeKey OfficeMlsId OfficeName OfficePhone OfficeEmail OfficeAddress1 OfficeCity "
        "OfficeStateOrProvince OfficePostalCode OfficeStatus OriginatingSystemName",
        DateTimeOffset="ModificationTimestamp",
    ),
)
ENTITIES = {entity.name: entity for entity in (PROPERTY, MEDIA, OPEN_HOUSE, MEMBER, OFFICE)}


def metadata_xml() -> str:
    """The service's EDMX document (OData CSDL XML 4.0)."""
    types = "".join(_type_xml(entity) for entity in ENTITIES.values())
    sets = "".join(_set_xml(entity) for entity in ENTITIES.values())
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f'{types}<EntityContainer Name="Default">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    )


def _type_xml(entity: EntityType) -> str:
    parts = [f"<EntityType Name={quoteattr(entity.name)}><Key><PropertyRef Name={quoteattr(entity.key)}/></Key>"]
    for item in entity.fields.values():
        kind = f"Collection(Edm.{item.edm})" if item.collection else f"Edm.{item.edm}"
        rest = ' Nullable="false"' if item.name == entity.key or item.collection else ""
        rest += (
            ' Precision="3"' if item.edm == "DateTimeOffset" else ' Scale="variable"' if item.edm == "Decimal" else ""
        )
        parts.append(f'<Property Name="{item.name}" Type="{kind}"{rest}/>')
    for link in entity.navigations.values():
        kind = f"{NAMESPACE}.{link.target}"
        kind = f"Collection({kind})" if link.collection else kind
        parts.append(f'<NavigationProperty Name="{link.name}" Type="{kind}"/>')
    parts.append("</EntityType>")
    return "".join(parts)


def _set_xml(entity: EntityType) -> str:
    bindings = "".join(
        f'<NavigationPropertyBinding Path="{link.name}" Target="{link.target}"/>'
        for link in entity.navigations.values()
    )
    return f'<EntitySet Name="{entity.name}" EntityType="{NAMESPACE}.{entity.name}">{bindings}</EntitySet>'
