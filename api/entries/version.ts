/** The version of the release, for entries that cannot read package.json. A test holds it to that. */
export const VERSION = '0.1.0';
