"""Schematic outlines: where no boundaries are at hand, every place is grown around the centres that are known.

The district is one blob around its towns' centres. It is shared out among the towns by how many smallest
places each has, each share is cut in two again and again until every smallest place has its seed, and the
cells of the seeds (Voronoi) are joined upwards: a town is exactly its villages together, a village exactly
its grids. Borders between two seeds are roughened inside the four-cornered space that belongs to that
border alone, so that they wind without ever crossing (the "noisy edges" of Patel's polygon maps).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from dashboard.places import Place, PlaceTree

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

CELLS = 500  # A tree with fewer smallest places has each drawn from several cells, else borders look coarse.
SAMPLES = 14  # Points per cell by which areas are shared out.
WINDING = 0.045  # How far a border bends, as a share of the district's width.
ROUGHNESS = 3  # How often each border between two cells is halved and its middle moved.
KILOMETRES = 111.32  # To one degree of latitude.
SPACING = 3.0  # Kilometres between the centre of a lone town and its rim.


def grow(places: PlaceTree, seed: int) -> dict[str, BaseGeometry]:
    """An outline for every place, code → polygon in WGS-84 degrees; the same seed gives the same outlines.

    The places of the second level need centres. Their areas follow the number of smallest places in them.
    A place is one polygon without holes; should an unlucky tree split one, it is a multipolygon.

    Raises:
        ValueError: if a place of the second level has no centre.
    """
    towns = places.children(places.root.code) or (places.root,)
    lost = [town.name for town in towns if town.centre is None]
    if lost:
        raise ValueError(f"no outline can be grown around {lost[0]}: it has no lon and lat")
    degrees = np.array([town.centre for town in towns], dtype=float)
    middle = degrees.mean(axis=0)
    scale = KILOMETRES * np.array([math.cos(math.radians(middle[1])), 1.0])
    random = np.random.default_rng(seed)
    leaves = {town.code: _leaves(places, town) for town in towns}
    several = max(1, math.ceil(CELLS / sum(len(found) for found in leaves.values())))
    centres = _apart((degrees - middle) * scale, random)
    weights = np.array([len(leaves[town.code]) * several for town in towns], dtype=float)
    samples, owner = _share_out(centres, weights, random)
    owners: list[str] = []
    groups: list[Array] = []
    for index, town in enumerate(towns):
        for leaf, mine in _divide(places, town, samples[owner == index], several):
            owners.append(leaf)
            groups.append(mine)
    seeds = np.array([group.mean(axis=0) for group in groups])
    spacing = math.sqrt(len(samples) / len(seeds)) * _step(samples)
    seeds = seeds + random.uniform(-0.16, 0.16, seeds.shape) * spacing
    cells = _cells(seeds, samples, owners, places, spacing, random)
    return _join(places, owners, shapely.transform(cells, lambda xy: xy / scale + middle))


def _leaves(places: PlaceTree, place: Place) -> list[Place]:
    below = places.children(place.code)
    return [leaf for child in below for leaf in _leaves(places, child)] if below else [place]


def _apart(centres: Array, random: np.random.Generator) -> Array:
    """The centres, with those that fall on one spot moved apart a little."""
    _, first = np.unique(np.round(centres, 3), axis=0, return_index=True)
    again = np.ones(len(centres), dtype=bool)
    again[first] = False
    centres = centres.copy()
    centres[again] += random.uniform(-1, 1, (int(again.sum()), 2))
    return centres


# -- sharing out the ground --------------------------------------------------------------------------------


def _share_out(centres: Array, weights: Array, random: np.random.Generator) -> tuple[Array, Indices]:
    """Points of a lattice that fill the district, and for each the index of its town."""
    blob = _blob(centres, weights)
    step = math.sqrt(blob.area / (weights.sum() * SAMPLES))
    west, south, east, north = blob.bounds
    reach = WINDING * math.sqrt(blob.area)
    room = 3 * reach + 2 * step  # No point is bent further.
    xs, ys = np.arange(west - room, east + room, step), np.arange(south - room, north + room, step)
    lattice = np.stack(np.meshgrid(xs, ys, indexing="ij"), axis=-1)
    bent = lattice + _bend(lattice, centres, reach, math.sqrt(blob.area), random)
    shapely.prepare(blob)
    inside = shapely.contains_xy(blob, bent[..., 0], bent[..., 1])
    town = np.full(inside.shape, -1, dtype=np.int64)
    town[inside] = _power(bent[inside], centres, weights)
    town = _whole(town)
    kept = town >= 0
    return lattice[kept], town[kept]


def _blob(centres: Array, weights: Array) -> BaseGeometry:
    """The district before it is bent: discs around the towns, grown together and rounded."""
    if len(centres) == 1:
        return shapely.Point(centres[0]).buffer(SPACING)
    apart = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    extent = float(np.ptp(centres, axis=0).max())
    near = max(float(np.median(apart.min(axis=1))), 0.5 * extent / math.sqrt(len(centres)))
    radii = 0.66 * near * np.sqrt(weights / weights.mean()).clip(0.75, 1.3)
    discs = shapely.union_all(
        [shapely.Point(centre).buffer(radius) for centre, radius in zip(centres, radii, strict=True)]
    )
    for gap in (2.0, 4.0, 8.0):
        blob: BaseGeometry = discs.buffer(gap * near).buffer(-gap * near)
        if blob.geom_type == "Polygon":
            break
    else:
        blob = discs.convex_hull
    return shapely.Polygon(shapely.get_exterior_ring(blob)).buffer(-0.2 * near).buffer(0.4 * near).buffer(-0.2 * near)


def _bend(where: Array, centres: Array, reach: float, width: float, random: np.random.Generator) -> Array:
    """A smooth random displacement of each point, fading out at the centres, which stay where they are."""
    moved = np.zeros_like(where)
    for wave in (1.3, 2.3, 4.1, 7.3, 13.0):
        for _ in range(2):
            turn, phase = random.uniform(0, 2 * math.pi, 2), random.uniform(0, 2 * math.pi, 2)
            for axis in (0, 1):
                along = where[..., 0] * math.cos(turn[axis]) + where[..., 1] * math.sin(turn[axis])
                moved[..., axis] += np.sin(2 * math.pi * wave * along / width + phase[axis]) / wave**0.85
    moved *= reach / 1.3
    away = np.min([np.hypot(*(where - centre).transpose(2, 0, 1)) for centre in centres], axis=0)
    fade: Array = np.minimum(1.0, away / (0.18 * width))
    return moved * fade[..., None]


def _power(where: Array, centres: Array, weights: Array) -> Indices:
    """To which centre each point belongs, so that each centre has its share (a power diagram by relaxation)."""
    squares = ((where[:, None, :] - centres[None]) ** 2).sum(axis=2)
    wanted = weights / weights.sum()
    offset = np.zeros(len(centres))
    pace = float(squares.min(axis=1).mean()) * 2
    best, error = squares.argmin(axis=1), math.inf
    for _ in range(40):
        found = (squares - offset).argmin(axis=1)
        share = np.bincount(found, minlength=len(centres)) / len(where)
        off = float(np.abs(share - wanted).max())
        if off < error:
            best, error = found, off
        if error < 0.002:
            break
        offset += pace * (wanted - share) / np.sqrt(wanted * wanted.mean())
        pace *= 0.97
    if (np.bincount(best, minlength=len(centres)) < 0.6 * wanted * len(where)).any():
        best = _halved(where, centres, wanted)
    return np.asarray(best, dtype=np.int64)


def _halved(where: Array, centres: Array, wanted: Array) -> Indices:
    """Each point's town where centres lie too badly for ``_power``: cut across the line of the centres, in turn."""
    found = np.zeros(len(where), dtype=np.int64)
    stack = [(np.arange(len(centres)), np.arange(len(where)))]
    while stack:
        towns, points = stack.pop()
        found[points] = towns[0]
        if len(towns) == 1:
            continue
        axis = np.ptp(centres[towns], axis=0).argmax()
        towns = towns[np.argsort(centres[towns, axis], kind="stable")]
        points = points[np.argsort(where[points, axis], kind="stable")]
        sizes = np.cumsum(wanted[towns]) / wanted[towns].sum()
        cut = int(np.abs(sizes[:-1] - 0.5).argmin()) + 1
        at = round(len(points) * sizes[cut - 1])
        stack += [(towns[:cut], points[:at]), (towns[cut:], points[at:])]
    return found


def _whole(town: Indices) -> Indices:
    """The lattice with every town in one piece and no gaps: what is left over goes to the neighbour it touches most."""
    flat, number = town.reshape(-1).copy(), np.arange(town.size).reshape(town.shape)
    down, across = (number[:-1], number[1:]), (number[:, :-1], number[:, 1:])
    beside = np.concatenate([np.stack([a.reshape(-1), b.reshape(-1)], axis=1) for a, b in (down, across)])
    piece = _pieces(flat, beside)
    size = np.bincount(piece, minlength=flat.size)
    main = {int(piece[0])}  # Outside (-1) is what the corner of the lattice belongs to.
    for index in range(int(flat.max()) + 1):
        own = np.unique(piece[flat == index])
        main |= {int(own[size[own].argmax()])} if len(own) else set()
    kept = np.isin(piece, list(main))
    for stray in np.unique(piece[~kept]):
        both = piece[beside] == stray
        around = beside[both.any(axis=1) & ~both.all(axis=1)]
        near = flat[np.setdiff1d(around[piece[around] != stray], np.flatnonzero(~kept))]
        flat[piece == stray] = np.bincount(near + 1).argmax() - 1 if len(near) else -1
    return flat.reshape(town.shape)


def _pieces(label: Indices, beside: Indices) -> Indices:
    """For each point the first point of its piece: what hangs together, by the pairs ``beside``, under one label."""
    first, second = beside[label[beside[:, 0]] == label[beside[:, 1]]].T
    piece = np.arange(len(label))
    while True:
        least = np.minimum(piece[first], piece[second])
        before = piece.copy()
        np.minimum.at(piece, piece[first], least)
        np.minimum.at(piece, piece[second], least)
        piece = piece[piece]
        if (piece == before).all():
            return piece


def _divide(places: PlaceTree, place: Place, samples: Array, several: int) -> list[tuple[str, Array]]:
    """Each cell below a place with its samples: the ground is halved across its longer side, as often as needed."""
    children = places.children(place.code)
    parts: list[tuple[Place | None, int]] = (
        [(child, several * len(_leaves(places, child))) for child in children] if children else [(None, 1)] * several
    )
    found: list[tuple[str, Array]] = []
    cells = sum(size for _, size in parts)
    stack = [(parts, np.repeat(samples, math.ceil(cells / len(samples)), axis=0))]
    while stack:
        some, ground = stack.pop()
        if len(some) == 1:
            child = some[0][0]
            found.extend([(place.code, ground)] if child is None else _divide(places, child, ground, several))
            continue
        sizes = np.cumsum([size for _, size in some])
        cut = int(np.abs(sizes - sizes[-1] / 2)[:-1].argmin()) + 1
        centred = ground - ground.mean(axis=0)
        _, axes = np.linalg.eigh(centred.T @ centred)
        order = np.argsort(centred @ axes[:, -1], kind="stable")
        at = min(max(round(len(ground) * sizes[cut - 1] / sizes[-1]), 1), len(ground) - 1)
        stack.append((some[cut:], ground[order[at:]]))
        stack.append((some[:cut], ground[order[:at]]))
    return found


# -- cells and their borders -------------------------------------------------------------------------------


def _step(samples: Array) -> float:
    columns = np.unique(samples[:, 0])
    return float(np.diff(columns).min()) if len(columns) > 1 else 1.0


def _cells(
    seeds: Array, samples: Array, owners: list[str], places: PlaceTree, spacing: float, random: np.random.Generator
) -> npt.NDArray[np.object_]:
    """One polygon per seed. Where a place would fall apart its seeds are drawn together, and all is drawn again."""
    rim = _rim(seeds, samples, spacing)
    names = {code: number for number, code in enumerate(places.by_code)}
    paths = [[names[code] for code in places.path(owner)[1:]] for owner in owners]
    for _ in range(6):
        rings = _voronoi(np.concatenate([seeds, rim]), spacing)
        split = _split(rings, len(seeds), paths)
        if not split:
            break
        for members in split:
            seeds[members] += 0.3 * (seeds[members].mean(axis=0) - seeds[members])
    return _roughened(rings, seeds, rim, random)


def _rim(seeds: Array, samples: Array, spacing: float) -> Array:
    """Seeds of the ground outside: each seed near the district's edge mirrored in it."""
    step = _step(samples)
    breaks = np.flatnonzero(np.abs(np.diff(samples, axis=0)).max(axis=1) > 1.5 * step) + 1
    bars = [(*run[0] - 0.51 * step, *run[-1] + 0.51 * step) for run in np.split(samples, breaks)]
    outline = shapely.union_all([shapely.box(*bar) for bar in bars]).buffer(1.2 * step).buffer(-1.2 * step)
    line = shapely.boundary(outline.simplify(0.7 * step))
    points = np.asarray(shapely.points(seeds))
    near = np.nonzero(shapely.distance(points, line) < 1.3 * spacing)[0]
    along = [line.project(points[at]) for at in near]
    foot = np.array([line.interpolate(at).coords[0] for at in along]).reshape(-1, 2)
    mirrored = 2 * foot - seeds[near]
    mirrored = mirrored[~shapely.contains_xy(outline, mirrored[:, 0], mirrored[:, 1])]
    _, single = np.unique(np.round(mirrored / (0.3 * spacing)), axis=0, return_index=True)
    mirrored = mirrored[np.sort(single)]
    belt = shapely.boundary(outline.buffer(1.1 * spacing))
    around = shapely.get_coordinates(shapely.line_interpolate_point(belt, np.arange(0, belt.length, 0.8 * spacing)))
    if not len(mirrored):
        return around
    tree = shapely.STRtree(np.asarray(shapely.points(mirrored)))
    lonely = tree.query_nearest(shapely.points(around), return_distance=True)
    far = np.zeros(len(around), dtype=bool)
    far[lonely[0][0][lonely[1] > 0.7 * spacing]] = True
    return np.concatenate([mirrored, around[far]])


def _voronoi(seeds: Array, spacing: float) -> tuple[Array, list[Indices]]:
    """The corners of the cells, and for each seed the ring of its corners' indices (not closed)."""
    around = shapely.box(*(seeds.min(axis=0) - 4 * spacing), *(seeds.max(axis=0) + 4 * spacing))
    drawn = shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=around, ordered=True)
    cells = shapely.get_parts(drawn)
    xy, of = shapely.get_coordinates(shapely.get_exterior_ring(cells), return_index=True)
    _, first, corner = np.unique(np.round(xy, 6), axis=0, return_index=True, return_inverse=True)
    corner = corner.reshape(-1)
    rings = np.split(corner, np.flatnonzero(np.diff(of)) + 1)
    return xy[first], [ring[:-1][ring[:-1] != ring[1:]] for ring in rings]


def _borders(rings: list[Indices]) -> tuple[Indices, Indices, Indices, Indices]:
    """All ring edges: cell, start corner, end corner, and the number of the border they run along."""
    cell = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    start = np.concatenate(rings)
    end = np.concatenate([np.roll(ring, -1) for ring in rings])
    low, high = np.minimum(start, end), np.maximum(start, end)
    _, border = np.unique(low * (int(start.max()) + 1) + high, return_inverse=True)
    return cell, start, end, border.reshape(-1)


def _split(drawn: tuple[Array, list[Indices]], count: int, paths: list[list[int]]) -> list[Indices]:
    """The cells of each place that is in more than one piece."""
    cell, _, _, border = _borders(drawn[1])
    order = np.argsort(border, kind="stable")
    same = np.flatnonzero(np.diff(border[order]) == 0)
    beside = np.stack([cell[order[same]], cell[order[same + 1]]], axis=1)
    beside = beside[(beside < count).all(axis=1)]
    apart = []
    for level in range(max(len(path) for path in paths)):
        label = np.array([path[level] if level < len(path) else -1 - at for at, path in enumerate(paths)])
        piece = _pieces(label, beside)
        names, pieces = np.unique(np.unique(np.stack([label, piece], axis=1), axis=0)[:, 0], return_counts=True)
        apart += [np.flatnonzero(label == name) for name in names[pieces > 1]]
    return apart


def _roughened(
    drawn: tuple[Array, list[Indices]], seeds: Array, rim: Array, random: np.random.Generator
) -> npt.NDArray[np.object_]:
    """The cells as polygons, with every border bent within the space between its ends and its two seeds."""
    corners, rings = drawn
    every = np.concatenate([seeds, rim])
    cell, start, end, border = _borders(rings)
    count = int(border.max()) + 1
    forward = start < end
    ends = np.zeros((count, 2), dtype=np.int64)
    ends[border] = np.stack([np.minimum(start, end), np.maximum(start, end)], axis=1)
    sides = np.full((count, 2), -1, dtype=np.int64)
    order = np.argsort(border, kind="stable")
    later = np.diff(border[order], prepend=-1) == 0
    sides[border[order[~later]], 0] = cell[order[~later]]
    sides[border[order[later]], 1] = cell[order[later]]
    both = (sides >= 0).all(axis=1)
    a, b = corners[ends[:, 0]], corners[ends[:, 1]]
    # The two seeds mirror each other in the border. Over its middle the triangles to them are ``height`` high,
    # and those triangles belong to no other border.
    along = b - a
    long = np.maximum((along**2).sum(axis=1), 1e-12)
    towards = every[sides[:, 0]] - a
    foot = (towards * along).sum(axis=1) / long
    height = (along[:, 0] * towards[:, 1] - along[:, 1] * towards[:, 0]) / long * 0.5 / np.maximum(foot, 1 - foot)
    height = np.where(both, height, 0.0)
    aside = np.stack([-along[:, 1], along[:, 0]], axis=1) * height[:, None]
    c, d = (a + b) / 2 + aside, (a + b) / 2 - aside
    line = _noisy(a, c, b, d, ROUGHNESS, random)[:, :-1]
    back = np.concatenate([b[:, None], line[:, :0:-1]], axis=1)
    pieces = np.where(forward[:, None, None], line[border], back[border])
    wanted = cell < len(seeds)
    xy = pieces[wanted].reshape(-1, 2)
    of = np.repeat(cell[wanted], pieces.shape[1])
    return np.asarray(shapely.polygons(shapely.linearrings(xy, indices=of)), dtype=object)


def _noisy(a: Array, c: Array, b: Array, d: Array, depth: int, random: np.random.Generator) -> Array:
    """Lines from ``a`` to ``b`` with 2**depth pieces, shape (borders, 2**depth + 1, 2), inside the quads a c b d."""
    if depth == 0:
        return np.stack([a, b], axis=1)
    share = random.uniform(0.3, 0.7, (len(a), 1))
    middle = c + share * (d - c)
    ac, ad, bc, bd = (a + c) / 2, (a + d) / 2, (b + c) / 2, (b + d) / 2
    left = _noisy(a, ac, middle, ad, depth - 1, random)
    right = _noisy(middle, bc, b, bd, depth - 1, random)
    return np.concatenate([left, right[:, 1:]], axis=1)


def _join(places: PlaceTree, owners: list[str], cells: npt.NDArray[np.object_]) -> dict[str, BaseGeometry]:
    """Every place as the union of what lies below it, from the cells up."""
    shapes: dict[str, BaseGeometry] = {}
    mine: dict[str, list[BaseGeometry]] = {}
    for owner, cell in zip(owners, cells, strict=True):
        mine.setdefault(owner, []).append(cell)

    def build(code: str) -> BaseGeometry:
        parts = [build(child.code) for child in places.children(code)] or mine[code]
        shapes[code] = parts[0] if len(parts) == 1 else _union(parts)
        return shapes[code]

    build(places.root.code)
    return {code: shapes[code] for code in places.by_code}


def _union(parts: list[BaseGeometry]) -> BaseGeometry:
    joined: BaseGeometry = shapely.coverage_union_all(parts)
    pieces: list[BaseGeometry] = list(shapely.get_parts(joined))
    return joined if len(pieces) > 1 else pieces[0]
