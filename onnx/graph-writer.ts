/** Writes ONNX graphs: collects operators and initializers, and encodes them as `ModelProto`. */
import protobuf from 'protobufjs/minimal.js';

/** Element types of `TensorProto.DataType`. */
export const ONNX_TYPES = { float32: 1, int64: 7, bool: 9, float16: 10 } as const;
export type OnnxType = keyof typeof ONNX_TYPES;

/** An attribute of an operator: an integer, a list of integers, a float, or an encoded graph as a branch. */
export type Attribute =
  | number
  | readonly number[]
  | { readonly float: number }
  | { readonly graph: Uint8Array };

/** An input or output of a graph. A dimension with a name is dynamic. */
export interface ValueInfo {
  readonly name: string;
  readonly type: OnnxType;
  /** Undefined: any shape. */
  readonly dims?: readonly (number | string)[];
}

interface OperatorOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Names of the outputs. Default: one with a generated name. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
}

const MICROSOFT_DOMAIN = 'com.microsoft';

export class GraphWriter {
  readonly #nodes: Uint8Array[] = [];
  readonly #initializers: Uint8Array[] = [];
  readonly #prefix: string;
  #count = 0;

  /** `prefix` starts generated names: the names of a branch must differ from those of the graph around it. */
  constructor(prefix = '') {
    this.#prefix = prefix;
  }

  /** Adds an operator and returns the name of its first output. */
  operator(type: string, inputs: readonly string[], options: OperatorOptions = {}): string {
    const { attributes = {}, outputs = [this.#name(type)], domain } = options;
    const writer = protobuf.Writer.create();
    for (const input of inputs) writer.uint32(tag(1, LENGTH)).string(input);
    for (const output of outputs) writer.uint32(tag(2, LENGTH)).string(output);
    writer
      .uint32(tag(3, LENGTH))
      .string(this.#name(`${type}_node`))
      .uint32(tag(4, LENGTH))
      .string(type);
    for (const [name, value] of Object.entries(attributes)) {
      writer.uint32(tag(5, LENGTH)).bytes(encodeAttribute(name, value));
    }
    if (domain !== undefined) writer.uint32(tag(7, LENGTH)).string(domain);
    this.#nodes.push(writer.finish());
    return outputs[0] ?? '';
  }

  /** Adds an initializer with the bytes of `data`, and returns its name. */
  initializer(type: OnnxType, dims: readonly number[], data: ArrayBufferView, name?: string): string {
    const id = name ?? this.#name('const');
    const writer = protobuf.Writer.create();
    writer.uint32(tag(1, LENGTH)).fork();
    for (const dim of dims) writer.int64(dim);
    writer.ldelim();
    writer.uint32(tag(2, VARINT)).int32(ONNX_TYPES[type]).uint32(tag(8, LENGTH)).string(id);
    writer.uint32(tag(9, LENGTH)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#initializers.push(writer.finish());
    return id;
  }

  int64s(...values: readonly number[]): string {
    return this.initializer('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  int64(value: number): string {
    return this.initializer('int64', [], BigInt64Array.of(BigInt(value)));
  }

  float(value: number): string {
    return this.initializer('float32', [], Float32Array.of(value));
  }

  /** Encodes the graph as `GraphProto`. */
  encodeGraph(name: string, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Uint8Array {
    const writer = protobuf.Writer.create();
    for (const node of this.#nodes) writer.uint32(tag(1, LENGTH)).bytes(node);
    writer.uint32(tag(2, LENGTH)).string(name);
    for (const initializer of this.#initializers) writer.uint32(tag(5, LENGTH)).bytes(initializer);
    for (const input of inputs) writer.uint32(tag(11, LENGTH)).bytes(encodeValueInfo(input));
    for (const output of outputs) writer.uint32(tag(12, LENGTH)).bytes(encodeValueInfo(output));
    return writer.finish();
  }

  /** Encodes the graph as a file. */
  encodeModel(name: string, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Uint8Array {
    const writer = protobuf.Writer.create();
    writer.uint32(tag(1, VARINT)).int64(IR_VERSION).uint32(tag(2, LENGTH)).string('frameloom');
    writer.uint32(tag(7, LENGTH)).bytes(this.encodeGraph(name, inputs, outputs));
    for (const [domain, version] of [
      ['', OPSET],
      [MICROSOFT_DOMAIN, 1],
    ] as const) {
      writer.uint32(tag(8, LENGTH)).fork().uint32(tag(1, LENGTH)).string(domain);
      writer.uint32(tag(2, VARINT)).int64(version).ldelim();
    }
    return writer.finish();
  }

  #name(base: string): string {
    return `${this.#prefix}${base}_${this.#count++}`;
  }
}

const IR_VERSION = 9;
const OPSET = 17;

/** Wire types of protocol buffers. */
const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

/** Values of `AttributeProto.AttributeType`. */
const ATTRIBUTE_TYPES = { float: 1, int: 2, graph: 5, ints: 7 } as const;

function encodeAttribute(name: string, value: Attribute): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(1, LENGTH)).string(name);
  const type = (kind: keyof typeof ATTRIBUTE_TYPES) =>
    writer.uint32(tag(20, VARINT)).int32(ATTRIBUTE_TYPES[kind]);
  if (typeof value === 'number') {
    writer.uint32(tag(3, VARINT)).int64(value);
    type('int');
  } else if (isList(value)) {
    for (const one of value) writer.uint32(tag(8, VARINT)).int64(one);
    type('ints');
  } else if ('float' in value) {
    writer.uint32(tag(2, FIXED32)).float(value.float);
    type('float');
  } else {
    writer.uint32(tag(6, LENGTH)).bytes(value.graph);
    type('graph');
  }
  return writer.finish();
}

function isList(value: Attribute): value is readonly number[] {
  return Array.isArray(value);
}

function encodeValueInfo({ name, type, dims }: ValueInfo): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(1, LENGTH)).string(name);
  writer.uint32(tag(2, LENGTH)).fork().uint32(tag(1, LENGTH)).fork();
  writer.uint32(tag(1, VARINT)).int32(ONNX_TYPES[type]);
  if (dims !== undefined) {
    writer.uint32(tag(2, LENGTH)).fork();
    for (const dim of dims) {
      writer.uint32(tag(1, LENGTH)).fork();
      if (typeof dim === 'number') writer.uint32(tag(1, VARINT)).int64(dim);
      else writer.uint32(tag(2, LENGTH)).string(dim);
      writer.ldelim();
    }
    writer.ldelim();
  }
  writer.ldelim().ldelim();
  return writer.finish();
}
