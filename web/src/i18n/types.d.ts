/** Makes `t("key")` a type error when the English text lacks the key. A new namespace is added here. */
import type account from "./locales/en/account.json";
import type api from "./locales/en/api.json";
import type audit from "./locales/en/audit.json";
import type charts from "./locales/en/charts.json";
import type claim from "./locales/en/claim.json";
import type common from "./locales/en/common.json";
import type deviceCode from "./locales/en/device-code.json";
import type devices from "./locales/en/devices.json";
import type explore from "./locales/en/explore.json";
import type groups from "./locales/en/groups.json";
import type inbox from "./locales/en/inbox.json";
import type invitation from "./locales/en/invitation.json";
import type login from "./locales/en/login.json";
import type map from "./locales/en/map.json";
import type mqtt from "./locales/en/mqtt.json";
import type networks from "./locales/en/networks.json";
import type overview from "./locales/en/overview.json";
import type people from "./locales/en/people.json";
import type forgot from "./locales/en/forgot.json";
import type confirmEmail from "./locales/en/confirm-email.json";
import type register from "./locales/en/register.json";
import type places from "./locales/en/places.json";
import type send from "./locales/en/send.json";
import type setup from "./locales/en/setup.json";
import type templates from "./locales/en/templates.json";
import type tokens from "./locales/en/tokens.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: {
      account: typeof account;
      api: typeof api;
      audit: typeof audit;
      charts: typeof charts;
      claim: typeof claim;
      common: typeof common;
      "device-code": typeof deviceCode;
      devices: typeof devices;
      explore: typeof explore;
      groups: typeof groups;
      inbox: typeof inbox;
      invitation: typeof invitation;
      login: typeof login;
      map: typeof map;
      mqtt: typeof mqtt;
      networks: typeof networks;
      overview: typeof overview;
      people: typeof people;
      register: typeof register;
      forgot: typeof forgot;
      "confirm-email": typeof confirmEmail;
      places: typeof places;
      send: typeof send;
      setup: typeof setup;
      templates: typeof templates;
      tokens: typeof tokens;
    };
  }
}
