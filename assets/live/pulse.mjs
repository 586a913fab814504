// What the server said last of its time and of the board's, and the city's clock that follows from it.

import { meta } from "./address.mjs";

const citywall = (window.citywall ??= {});
const GUESSED = 3600; // times real time up to which the city's clock goes on between two beats
export const STALLED = 8; // s the board may be behind: everything is marked within ten, two of them a beat and a look
export const version = meta("version");
export const said = {
  skew: 0, // server's clock − ours, in seconds
  pulse: null, // the latest beat
  advanced: 0, // when the board's time last moved on, by our clock, in ms
  frame: 0, // when anything last came, by our clock, in ms
};
let rate = 1; // seconds of the city's time in a second

export const now = () => Date.now() / 1000 + said.skew;
citywall.time = {
  wall: now,
  // A city whose time runs with ours keeps its clock through an outage; in a replay it stands still.
  city() {
    if (!said.pulse || !said.pulse.as_of) return null;
    const beyond = Math.max(0, now() - (said.pulse.wall ?? said.pulse.now));
    if (rate === 1) return said.pulse.as_of + beyond;
    // A batch tells months in a second: what comes next, or whether anything does, cannot be guessed.
    return said.pulse.as_of + (rate > GUESSED ? 0 : rate * Math.min(beyond, 4));
  },
  stopped: () => !!said.pulse && rate !== 1 && now() - (said.pulse.wall ?? 0) > STALLED,
};

// Takes a beat; whether the server serves another version than this page.
export function takeBeat(beat) {
  said.skew = beat.now - beat.came / 1000;
  if (said.pulse?.wall && beat.wall - said.pulse.wall >= 0.5 && beat.epoch === said.pulse.epoch) {
    const found = (beat.as_of - said.pulse.as_of) / (beat.wall - said.pulse.wall);
    rate = Math.abs(found - 1) < 0.1 ? 1 : Math.max(0, found);
  }
  if (said.pulse?.wall && beat.epoch === said.pulse.epoch && beat.wall !== said.pulse.wall) said.advanced = beat.wall > said.pulse.wall ? Date.now() : 0;
  said.pulse = beat;
  return !!version && !!beat.version && beat.version !== version;
}
