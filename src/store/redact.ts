/**
 * A URL that can be shown: `***` in the place of its password, and of tokens in its query. What looks like either is taken for one, also
 * in a URL that is not well formed.
 */
export function redactUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:@/?#]*):.*@/is, '$1:***@')
    .replace(/([?&;](?:[^=&#;]*(?:password|token|secret|key)[^=&#;]*)=)[^&#;]*/gi, '$1***')
}
