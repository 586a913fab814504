// The first thing a page does: it says what it wants to see. The server paints it while the page is still being made.

import { readAddress } from "./address.mjs";
import { connect } from "./link.mjs";

readAddress();
connect();
