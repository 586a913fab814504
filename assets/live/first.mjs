// The first thing a page does: it says what it wants to see. The server paints it while the page is still being made.

import { readAddress } from "./address.mjs";
import { connect } from "./link.mjs";
import { watchPage } from "./restart.mjs";

readAddress();
connect();
setInterval(watchPage, 500); // From here on, for the rest of the page may never come.
