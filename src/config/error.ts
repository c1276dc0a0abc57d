/** A variable that is misspelt, missing or of the wrong shape: its message names it. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}
