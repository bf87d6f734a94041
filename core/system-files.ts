/**
 * Tells files that a person put into a folder from those that an operating system added: hidden files, the
 * `._` companions that macOS writes on foreign disks, folder settings and caches of thumbnails.
 */
export function isSystemFile(name: string): boolean {
  return name.startsWith('.') || /^(thumbs\.db|ehthumbs\.db|desktop\.ini|icon\r)$/i.test(name);
}
