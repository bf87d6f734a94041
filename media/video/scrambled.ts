/** Detects scrambled transport streams, which decoders treat as damaged. */
import { open } from 'node:fs/promises';

/** Bytes that are read, from the beginning. */
const READ_BYTES = 4 * 2 ** 20;
/** Bytes of a packet; M2TS adds a timestamp of 4 bytes, broadcasting equipment 16 bytes of error correction. */
const PACKET_BYTES = [188, 192, 204] as const;
const SYNC = 0x47;
/** Consecutive packets that must begin with the sync byte. */
const SYNC_PACKETS = 5;

/**
 * Whether most packets of the transport stream at `path` are marked as scrambled
 * (transport_scrambling_control, ISO/IEC 13818-1); false for any other file.
 */
export async function isScrambled(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, 0);
    return isMostlyScrambled(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

function isMostlyScrambled(head: Buffer): boolean {
  const found = packetsOf(head);
  if (!found) return false;
  let carrying = 0;
  let scrambled = 0;
  for (let at = found.first; at + 4 <= head.length; at += found.size) {
    if (head[at] !== SYNC) continue; // a damaged one
    const control = head[at + 3] ?? 0;
    const isFiller = (head.readUInt16BE(at + 1) & 0x1fff) === 0x1fff;
    if ((control & 0x10) === 0 || isFiller) continue;
    carrying++;
    if ((control & 0xc0) !== 0) scrambled++;
  }
  return 2 * scrambled > carrying;
}

function packetsOf(head: Buffer): { readonly first: number; readonly size: number } | undefined {
  for (const size of PACKET_BYTES) {
    for (let first = 0; first < size; first++) {
      const row = Array.from({ length: SYNC_PACKETS }, (_, index) => head[first + index * size]);
      if (row.every((byte) => byte === SYNC)) return { first, size };
    }
  }
  return undefined;
}
