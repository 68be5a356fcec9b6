import { Bbr } from "../../../lib/protocol/congestion/bbr.ts";
import { testCongestionController } from "./congestion_suite.ts";

testCongestionController("BBR", (size, seed) => new Bbr(size, seed));
