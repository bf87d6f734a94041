/** Which addresses a source may be fetched from. */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { FrameloomError } from '../../core/errors.ts';

/**
 * Whether an address belongs to the public internet. Everything else is refused: loopback, private and link-local networks,
 * metadata services, multicast, and the ranges that wrap IPv4 in IPv6 (NAT64, 6to4, Teredo).
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return ipaddr.process(address).range() === 'unicast'; // process() unwraps ::ffff:a.b.c.d
}

/**
 * Checks a URL before it is used: http or https, no credentials, and no literal address that is not public. Names are checked
 * when they are resolved (`guardedLookup`), which is not asked about literals. The WHATWG parser has made `0x7f.1`,
 * `2130706433` and the like into dotted form by now. Throws `source_forbidden`.
 */
export function checkUrl(text: string, allowPrivate: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw new FrameloomError('source_forbidden', 'The address is not a URL.');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new FrameloomError('source_forbidden', 'Only http and https addresses are fetched.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new FrameloomError('source_forbidden', 'The address must not hold credentials.');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!allowPrivate && ipaddr.isValid(host) && !isPublicAddress(host)) throw notPublic();
  return url;
}

/** A resolver that refuses names of which any address is not public; the connection then goes to what it returned. */
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
  return new FrameloomError('source_forbidden', 'The address is not on the public internet.');
}
