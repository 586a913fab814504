// The map's datum: what it is given is WGS-84; while the picture below it is drawn in GCJ-02, everything is shifted as
// that is when it is projected, and what is pointed at is shifted back. dashboard/ground/coordinates.py has the same formulas.

const A = 6378245.0; // Krasovsky's ellipsoid, which GCJ-02 is built on
const E2 = 0.00669342162296594323;
const { PI, abs, cos, sin, sqrt } = Math;
const wave = (x) => (20 * sin(6 * x * PI) + 20 * sin(2 * x * PI)) * 2 / 3;

export function toGcj(lon, lat) {
  if (lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271) return [lon, lat];
  const [x, y] = [lon - 105, lat - 35];
  const root = sqrt(abs(x));
  let north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave(x);
  north += ((20 * sin(y * PI) + 40 * sin((y / 3) * PI)) * 2) / 3 + ((160 * sin((y / 12) * PI) + 320 * sin((y * PI) / 30)) * 2) / 3;
  let east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave(x);
  east += ((20 * sin(x * PI) + 40 * sin((x / 3) * PI)) * 2) / 3 + ((150 * sin((x / 12) * PI) + 300 * sin((x / 30) * PI)) * 2) / 3;
  const down = (lat * PI) / 180;
  const flat = 1 - E2 * sin(down) ** 2;
  return [lon + (east * 180) / ((A / sqrt(flat)) * cos(down) * PI), lat + (north * 180) / (((A * (1 - E2)) / (flat * sqrt(flat))) * PI)];
}

export function fromGcj(lon, lat) {
  let [x, y] = [lon, lat];
  for (let step = 0; step < 6; step++) {
    const [east, north] = toGcj(x, y);
    [x, y] = [x + lon - east, y + lat - north];
  }
  return [x, y];
}

let shifted = false;
export const onMap = (lon, lat) => (shifted ? toGcj(lon, lat) : [lon, lat]);

// Leaflet's way to project, for a map on a picture that is shifted, or on none that is.
export function projecting(L, shift) {
  shifted = shift;
  if (!shifted) return L.CRS.EPSG3857;
  const mercator = L.Projection.SphericalMercator;
  return L.extend({}, L.CRS.EPSG3857, {
    projection: L.extend({}, mercator, {
      project(at) {
        const [lon, lat] = toGcj(at.lng, at.lat);
        return mercator.project(L.latLng(lat, lon));
      },
      unproject(point) {
        const at = mercator.unproject(point);
        const [lon, lat] = fromGcj(at.lng, at.lat);
        return L.latLng(lat, lon);
      },
    }),
  });
}
