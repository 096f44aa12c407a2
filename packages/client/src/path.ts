// Paths of the contract with ids in them.

/** A path with its parts encoded, so that no id can lead elsewhere. */
export function at(texts: TemplateStringsArray, ...parts: readonly string[]): string {
  return String.raw({ raw: texts }, ...parts.map(encodeURIComponent));
}
