/** The version of the release, for platforms that cannot read package.json. A test compares the two. */
export const VERSION = '0.1.0';
