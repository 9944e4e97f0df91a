/**
 * A gRPC method as a value: where it is and how its messages become bytes and back.
 *
 * Client and server share these tables; neither loads a .proto at run time. The shape is that of
 * grpc-js' ServiceDefinition, kept structural so that base does not depend on grpc-js.
 */
import { disco } from '../gen/discovery.js';

/** What a protobufjs static class offers: `In` is what may be sent, `Out` what arrives. */
export interface Codec<In, Out> {
  /** @param isShared the bytes may be part of a larger buffer, which nobody writes any more */
  encode(message: In): { finish(isShared?: boolean): Uint8Array };
  decode(bytes: Uint8Array): Out;
}

/** What one method is made from. */
export interface MethodSpec<ReqIn, ReqOut, ResIn, ResOut> {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly requestType: Codec<ReqIn, ReqOut>;
  readonly responseType: Codec<ResIn, ResOut>;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** One entry of a grpc-js ServiceDefinition. */
export interface GrpcMethod<ReqIn, ReqOut, ResIn, ResOut> {
  readonly path: string;
  /** Method name with a small first letter: grpc-js also looks for a handler by this name. */
  readonly originalName: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: ReqIn) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => ReqOut;
  readonly responseSerialize: (value: ResIn) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => ResOut;
}

/** What a client may send to a method. */
export type RequestOf<M> = M extends { requestSerialize: (value: infer T) => Buffer } ? T : never;

/** What a server receives of a method. */
export type ReceivedOf<M> = M extends { requestDeserialize: (bytes: Buffer) => infer T }
  ? T
  : never;

/** What a server may answer to a method. */
export type AnswerOf<M> = M extends { responseSerialize: (value: infer T) => Buffer } ? T : never;

/** What a client receives from a method. */
export type ResponseOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer T }
  ? T
  : never;

/** Makes one entry of a service table; the table's key is the method's name in the proto. */
export function grpcMethod<ReqIn, ReqOut, ResIn, ResOut>(
  spec: MethodSpec<ReqIn, ReqOut, ResIn, ResOut>,
): GrpcMethod<ReqIn, ReqOut, ResIn, ResOut> {
  const name = spec.path.slice(spec.path.lastIndexOf('/') + 1);
  return {
    path: spec.path,
    originalName: name.charAt(0).toLowerCase() + name.slice(1),
    requestStream: spec.requestStream,
    responseStream: spec.responseStream,
    requestSerialize: (value) => toBuffer(spec.requestType.encode(value).finish(true)),
    requestDeserialize: (bytes) => spec.requestType.decode(bytes),
    responseSerialize: (value) => toBuffer(spec.responseType.encode(value).finish(true)),
    responseDeserialize: (bytes) => spec.responseType.decode(bytes),
  };
}

/** One request, one answer. */
export function unaryMethod<ReqIn, ReqOut, ResIn, ResOut>(
  path: string,
  requestType: Codec<ReqIn, ReqOut>,
  responseType: Codec<ResIn, ResOut>,
): GrpcMethod<ReqIn, ReqOut, ResIn, ResOut> {
  return grpcMethod({
    path,
    requestType,
    responseType,
    requestStream: false,
    responseStream: false,
  });
}

/** One request, a stream of answers. */
export function serverStreamMethod<ReqIn, ReqOut, ResIn, ResOut>(
  path: string,
  requestType: Codec<ReqIn, ReqOut>,
  responseType: Codec<ResIn, ResOut>,
): GrpcMethod<ReqIn, ReqOut, ResIn, ResOut> {
  return grpcMethod({
    path,
    requestType,
    responseType,
    requestStream: false,
    responseStream: true,
  });
}

/** protobufjs makes Buffers under Node already; its types only promise a Uint8Array. */
function toBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const v1 = disco.v1;
const discovery = '/disco.v1.Discovery/';

/** Every method of proto/disco/v1/discovery.proto, in its order. */
export const discoveryDefinition = {
  Register: unaryMethod(`${discovery}Register`, v1.RegisterRequest, v1.RegisterResponse),
  Deregister: unaryMethod(`${discovery}Deregister`, v1.DeregisterRequest, v1.DeregisterResponse),
  Get: unaryMethod(`${discovery}Get`, v1.GetRequest, v1.ServiceInstance),
  List: unaryMethod(`${discovery}List`, v1.ListRequest, v1.ListResponse),
  ListByGroup: unaryMethod(`${discovery}ListByGroup`, v1.ListByGroupRequest, v1.ListResponse),
  Heartbeat: unaryMethod(`${discovery}Heartbeat`, v1.HeartbeatRequest, v1.HeartbeatResponse),
  SetMaintenance: unaryMethod(
    `${discovery}SetMaintenance`,
    v1.SetMaintenanceRequest,
    v1.SetMaintenanceResponse,
  ),
  Watch: serverStreamMethod(`${discovery}Watch`, v1.WatchRequest, v1.WatchEvent),
  Members: unaryMethod(`${discovery}Members`, v1.MembersRequest, v1.MembersResponse),
  WatchMembers: serverStreamMethod(`${discovery}WatchMembers`, v1.MembersRequest, v1.MembersEvent),
  ForceLeave: unaryMethod(`${discovery}ForceLeave`, v1.ForceLeaveRequest, v1.ForceLeaveResponse),
  Status: unaryMethod(`${discovery}Status`, v1.StatusRequest, v1.StatusResponse),
  Gossip: unaryMethod(`${discovery}Gossip`, v1.GossipRequest, v1.GossipResponse),
  Leave: unaryMethod(`${discovery}Leave`, v1.LeaveRequest, v1.LeaveResponse),
  SetLogLevels: unaryMethod(
    `${discovery}SetLogLevels`,
    v1.SetLogLevelsRequest,
    v1.SetLogLevelsResponse,
  ),
};
