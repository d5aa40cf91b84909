/** The words of each field of a class. */
export const LABELS = {
  name: { label: "classes.name" },
  devices: { label: "classes.devices", hint: "classes.devicesHint" },
  points_per_second: { label: "classes.points", hint: "classes.pointsHint" },
  retention_days: { label: "classes.retention", hint: "classes.retentionHint" },
  storage_bytes: { label: "classes.storage", hint: "classes.storageHint" },
} as const;
