/** What workerpool runs. */

import workerpool from "workerpool";

workerpool.worker({ nothing: () => {} });
