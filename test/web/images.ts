/** Draws frames for the scripted API, which screenshots of the console display. */
import sharp from 'sharp';

const SCENES = [
  '<circle cx="320" cy="180" r="90" fill="#d63a2f"/>',
  '<circle cx="220" cy="180" r="90" fill="#d63a2f"/><rect x="370" y="100" width="160" height="160" fill="#2f62d6"/>',
  '<rect x="240" y="50" width="160" height="160" fill="#2f62d6"/><path d="M320 250l18 36 40 6-29 28 7 40-36-19-36 19 7-40-29-28 40-6z" fill="#2c9a4b"/>',
  '<path d="M320 60l36 74 82 12-60 57 15 81-73-38-73 38 15-81-60-57 82-12z" fill="#2c9a4b"/>',
  bars(['#2f62d6', '#2f62d6', '#2f62d6', '#2f62d6']),
  bars(['#2f62d6', '#2f62d6', '#2f62d6', '#e2822b']),
  slide('Costs', 3),
  slide('Costs', 4),
  night(
    '<rect x="220" y="200" width="200" height="50" rx="14" fill="#f0c62f"/><circle cx="265" cy="255" r="20"/><circle cx="375" cy="255" r="20"/>',
  ),
  night(
    '<circle cx="500" cy="80" r="40" fill="#fff"/><rect x="220" y="200" width="200" height="50" rx="14" fill="#f0c62f"/>',
  ),
  night(
    '<path d="M180 250v-60l-40 0 50-90 50 90h-40v60zM460 250v-60l-40 0 50-90 50 90h-40v60z" fill="#3f8f55"/>',
  ),
  slide('Thank you', 0),
];

function bars(colours: readonly string[]): string {
  const drawn = colours.map((colour, i) => {
    const height = 60 + i * 45;
    return `<rect x="${120 + i * 110}" y="${320 - height}" width="70" height="${height}" fill="${colour}"/>`;
  });
  return `<text x="60" y="70" font-family="sans-serif" font-size="40" fill="#222">Results</text>${drawn.join('')}`;
}

function slide(title: string, points: number): string {
  const lines = Array.from(
    { length: points },
    (_, i) =>
      `<circle cx="80" cy="${140 + i * 50}" r="8" fill="#2f62d6"/><rect x="110" y="${132 + i * 50}" width="${400 - i * 50}" height="16" fill="#bbb"/>`,
  );
  return `<text x="60" y="80" font-family="sans-serif" font-size="44" fill="#222">${title}</text>${lines.join('')}`;
}

function night(things: string): string {
  return `<rect width="640" height="360" fill="#1b2440"/><rect y="250" width="640" height="110" fill="#30343f"/>${things}`;
}

/** JPEG of the n-th picture, 640×360. */
export function drawImage(index: number): Promise<Buffer> {
  const scene = SCENES[index % SCENES.length] ?? '';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360"><rect width="640" height="360" fill="#fbfaf5"/>${scene}</svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 85 }).toBuffer();
}
