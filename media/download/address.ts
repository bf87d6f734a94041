/** Decides from which addresses a source may be downloaded. */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { FrameloomError } from '../../core/errors.ts';

/**
 * Whether an IP address belongs to the public internet. All others are rejected: loopback, private and
 * link-local networks, metadata services, multicast, and the ranges that wrap IPv4 in IPv6 (NAT64, 6to4,
 * Teredo).
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return ipaddr.process(address).range() === 'unicast'; // process() unwraps ::ffff:a.b.c.d
}

/**
 * Checks a URL before it is used: http or https, no credentials, and no literal address that is not public.
 * Names are checked when they are resolved (`guardedLookup`), which Node does not call for literals. The
 * WHATWG parser has already converted `0x7f.1`, `2130706433` and the like to dotted form. Throws
 * `source_forbidden`.
 */
export function checkUrl(text: string, allowPrivate: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw new FrameloomError('source_forbidden', 'The address is not a valid URL.');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new FrameloomError('source_forbidden', 'Only http and https URLs can be downloaded.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new FrameloomError('source_forbidden', 'The URL must not contain credentials. Use a signed URL.');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!allowPrivate && ipaddr.isValid(host) && !isPublicAddress(host)) throw notPublic();
  return url;
}

/**
 * Returns a resolver that rejects names with any address that is not public. The connection uses the
 * addresses it returns.
 */
export function guardedLookup(allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const [first] = addresses ?? [];
      if (error || !first) return callback(error ?? new Error('no address'), '', 0);
      if (!allowPrivate && addresses.some(({ address }) => !isPublicAddress(address))) {
        return callback(notPublic(), '', 0);
      }
      if (options.all) return callback(null, addresses);
      return callback(null, first.address, first.family);
    });
  };
}

function notPublic(): FrameloomError {
  return new FrameloomError(
    'source_forbidden',
    'The address is not on the public internet. Upload the file instead.',
  );
}
