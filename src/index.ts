export { HoldfastError, isHoldfastError } from "./errors.ts";
