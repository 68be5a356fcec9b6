import { Bbr } from "../../lib/protocol/bbr.ts";
import { testCongestionController } from "./congestion_suite.ts";

testCongestionController("BBR", (size, seed) => new Bbr(size, seed));
