/** Topics and topic filters as the standard has them (MQTT 5.0, section 4.7). The server decides; this tells sooner. */

/** What is wrong with a topic filter, as the key of a sentence; null if nothing is. */
export function wrongFilter(filter: string): "filterHash" | "filterPlus" | null {
  const levels = filter.split("/");
  if (levels.some((level, index) => level.includes("#") && (level !== "#" || index !== levels.length - 1))) return "filterHash";
  return levels.some((level) => level.includes("+") && level !== "+") ? "filterPlus" : null;
}

/** What is wrong with a topic to publish to, as the key of a sentence; null if nothing is. */
export function wrongTopic(topic: string): "topicMissing" | "topicWild" | null {
  if (topic === "") return "topicMissing";
  return /[+#]/.test(topic) ? "topicWild" : null;
}
