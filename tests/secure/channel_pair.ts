import {
  type Agreed,
  agreeAsClient,
  agreeAsServer,
  prepare,
  type Security,
} from "../../lib/secure/secure_channel.ts";
import { memoryPair } from "../transfer/memory_stream.ts";
