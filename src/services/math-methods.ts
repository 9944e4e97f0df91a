/**
 * The methods of proto/math/v1/math.proto.
 */
import { unaryMethod } from '../base/grpc-methods.ts';
import { math } from '../gen/math.js';

const v1 = math.v1;

/** Served by every math service. */
export const operationDefinition = {
  Apply: unaryMethod('/math.v1.Operation/Apply', v1.ApplyRequest, v1.ApplyResponse),
};

/** Served by the entrypoint. */
export const calculatorDefinition = {
  Evaluate: unaryMethod('/math.v1.Calculator/Evaluate', v1.EvaluateRequest, v1.EvaluateResponse),
};

/**
 * Call metadata that names the operation the caller means. An address can pass from one process
 * to another faster than everyone hears of it, and a wrong result is worse than none: a service
 * refuses a call that is meant for another operation.
 */
export const operationKey = 'math-operation';
