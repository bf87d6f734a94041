/** A file of a package registry: a Python wheel or an npm tarball, pinned by its checksum. */
export interface PackageFile {
  readonly registry: 'pypi' | 'npm';
  readonly package: string;
  readonly version: string;
  /** Name of the wheel or tarball. */
  readonly file: string;
  /** Hex SHA-256. */
  readonly sha256: string;
  readonly bytes: number;
}
