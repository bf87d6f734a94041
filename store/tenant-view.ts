/**
 * The view that a tenant has of the store. Content has names of its own for each tenant, so nobody finds what
 * another tenant has sent, nor learns whether it was sent: `frames/ab12` of the view is
 * `frames/t-acme/ab12` of the store. Callers use the names of the view only.
 */
import type { ArtifactStore, BlobStore, StoredArtifact } from './artifact-store.ts';
import { type ArtifactClass, classOf } from './names.ts';

/** Classes whose artifacts are named by their content or inputs, and may be found instead of made. */
export const TENANT_CLASSES = [
  'sources',
  'image-lists',
  'frames',
  'extractions',
  'slides',
  'rendered-decks',
  'slide-texts',
  'transcripts',
  'slide-matches',
  'crops',
  'features',
  'generations',
  'checkpoints',
] as const satisfies readonly ArtifactClass[];

/** The scope of all tenants where an operator has them share what they made. */
const SHARED_SCOPE = 'shared';

/** The part of a name that belongs to `tenant`. Names have no upper case, so a dot marks it. */
export function tenantScope(tenant: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(tenant)) throw new TypeError('invalid tenant');
  return `t-${tenant.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`)}`;
}

/** The scope of the content of `tenant` in `store`. */
export function scopeOf(store: Pick<BlobStore, 'isShared'>, tenant: string): string {
  return store.isShared ? SHARED_SCOPE : tenantScope(tenant);
}

/** Whether the artifacts of this class belong to a scope. */
export function isScoped(name: string): boolean {
  const known = classOf(name);
  return TENANT_CLASSES.some((scoped) => scoped === known);
}

/** The view of `scope` without a file system, for the API. */
export function blobView(store: BlobStore, scope: string): BlobStore {
  const outer = (name: string): string => toStore(name, scope);
  const inner = <T extends { readonly name: string }>(info: T): T => ({
    ...info,
    name: toView(info.name, scope),
  });
  const { direct, signedUrl } = store;
  return {
    ...store,
    scope,
    put: async (name, body) => inner(await store.put(outer(name), body)),
    putByContent: async (prefix, body, options) =>
      inner(await store.putByContent(outer(prefix), body, options)),
    async head(name) {
      const found: StoredArtifact | undefined = await store.head(outer(name));
      return found && inner(found);
    },
    read: (name, range) => store.read(outer(name), range),
    bytes: (name) => store.bytes(outer(name)),
    async *list(prefix, after) {
      for await (const name of store.list(outer(prefix), after === undefined ? undefined : outer(after)))
        yield toView(name, scope);
    },
    async *entries(prefix, after) {
      const found = store.entries(outer(prefix), after === undefined ? undefined : outer(after));
      for await (const entry of found) yield inner(entry);
    },
    delete: (name) => store.delete(outer(name)),
    touch: (name) => store.touch(outer(name)),
    expire: (name, before) => store.expire(outer(name), before),
    ...(signedUrl && { signedUrl: (name, seconds) => signedUrl(outer(name), seconds) }),
    ...(direct && {
      direct: {
        ...direct,
        finish: async (upload, prefix) => inner(await direct.finish(upload, outer(prefix))),
      },
    }),
  };
}

/** Adds local files to a view of `store`, for workers. */
export function withFilesOf(
  store: ArtifactStore,
  view: BlobStore & { readonly scope?: string },
): ArtifactStore {
  const { scope } = view;
  return {
    ...view,
    withFile: (name, use) => store.withFile(scope === undefined ? name : toStore(name, scope), use),
  };
}

/** `name` may be a prefix of names, with at least the class. */
function toStore(name: string, scope: string): string {
  const [first = '', ...rest] = name.split('/');
  return isScoped(`${first}/`) ? [first, scope, ...rest].join('/') : name;
}

function toView(name: string, scope: string): string {
  const [first = '', second, ...rest] = name.split('/');
  return isScoped(`${first}/`) && second === scope ? [first, ...rest].join('/') : name;
}
