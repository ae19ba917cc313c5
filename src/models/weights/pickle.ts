import { FacewiseError } from '../../errors.ts'

/**
 * Reads Python pickles without running what is in them.
 *
 * A pickle is a program for a stack machine, whose instructions can call any Python function. This machine has only the instructions that
 * build values, and calls nothing but the few functions that its caller names: each is a function of ours. All else is refused.
 *
 * Source of the instructions: Python's `Lib/pickletools.py`, protocols 2 to 5.
 */

/** A function or class that a pickle names: `new PickleGlobal('collections.OrderedDict')`. */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** What a pickle may use beside plain values. The time of a call must not grow with the size of its arguments. */
export interface PickleVocabulary {
  /** The functions and classes that it may name, by their full names. */
  readonly globals: ReadonlySet<string>
  /** Calls one of them. */
  call(name: string, args: readonly unknown[]): unknown
  /** Gives what a persistent id stands for: an object that is stored beside the pickle. */
  load(id: unknown): unknown
}

/**
 * The most instructions that are carried out. Each makes one value at most, so this bounds time and memory; the state of a network takes
 * some 50 a tensor.
 */
const MOST_INSTRUCTIONS = 1_000_000

/** Instructions that call functions or build objects of any class, by name: the message should say what was refused. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x50, 'PERSID'],
  [0x69, 'INST'],
  [0x6f, 'OBJ'],
  [0x81, 'NEWOBJ'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x92, 'NEWOBJ_EX'],
])

/**
 * The value that a pickle builds. Dictionaries are maps, so that no key can be mistaken for something else; tuples and lists are arrays.
 *
 * @param bytes one pickle.
 * @throws FacewiseError `MODEL_INVALID` for a pickle that wants anything but plain values and what `vocabulary` has, and for a damaged one.
 */
export function readPickle(bytes: Uint8Array, vocabulary: PickleVocabulary): unknown {
  return new PickleMachine(bytes, vocabulary).run()
}

class PickleMachine {
  /** By their names in `pickletools.py`: the byte, and what it does. */
  private static readonly instructions: Readonly<Record<string, readonly [number, (m: PickleMachine) => unknown]>> = {
    PROTO: [0x80, m => m.protocol(m.uint8())],
    FRAME: [0x95, m => m.take(8)], // how many bytes to read at once; all are here
    MARK: [0x28, m => m.marks.push(m.stack.length)],
    POP: [0x30, m => m.pop()],

    NONE: [0x4e, m => m.stack.push(null)],
    NEWTRUE: [0x88, m => m.stack.push(true)],
    NEWFALSE: [0x89, m => m.stack.push(false)],
    BININT1: [0x4b, m => m.stack.push(m.uint8())],
    BININT2: [0x4d, m => m.stack.push(m.view.getUint16(m.take(2), true))],
    BININT: [0x4a, m => m.stack.push(m.view.getInt32(m.take(4), true))],
    LONG1: [0x8a, m => m.stack.push(m.long(m.uint8()))],
    LONG4: [0x8b, m => m.stack.push(m.long(m.uint32()))],
    BINFLOAT: [0x47, m => m.stack.push(m.view.getFloat64(m.take(8)))],

    SHORT_BINUNICODE: [0x8c, m => m.stack.push(m.text(m.uint8()))],
    BINUNICODE: [0x58, m => m.stack.push(m.text(m.uint32()))],
    BINUNICODE8: [0x8d, m => m.stack.push(m.text(m.uint64()))],
    SHORT_BINSTRING: [0x55, m => m.stack.push(m.text(m.uint8()))], // Python 2's strings
    BINSTRING: [0x54, m => m.stack.push(m.text(m.uint32()))],
    SHORT_BINBYTES: [0x43, m => m.stack.push(m.slice(m.uint8()))],
    BINBYTES: [0x42, m => m.stack.push(m.slice(m.uint32()))],
    BINBYTES8: [0x8e, m => m.stack.push(m.slice(m.uint64()))],

    EMPTY_TUPLE: [0x29, m => m.stack.push([])],
    TUPLE1: [0x85, m => m.stack.push(m.popMany(1))],
    TUPLE2: [0x86, m => m.stack.push(m.popMany(2))],
    TUPLE3: [0x87, m => m.stack.push(m.popMany(3))],
    TUPLE: [0x74, m => m.stack.push(m.popToMark())],
    EMPTY_LIST: [0x5d, m => m.stack.push([])],
    LIST: [0x6c, m => m.stack.push(m.popToMark())],
    APPEND: [0x61, m => m.append([m.pop()])],
    APPENDS: [0x65, m => m.append(m.popToMark())],
    EMPTY_DICT: [0x7d, m => m.stack.push(new Map())],
    DICT: [0x64, m => m.stack.push(m.setItems(new Map(), m.popToMark()))],
    SETITEM: [0x73, m => m.setItemsOfTop(m.popMany(2))],
    SETITEMS: [0x75, m => m.setItemsOfTop(m.popToMark())],

    BINPUT: [0x71, m => m.memo.set(m.uint8(), m.top())],
    LONG_BINPUT: [0x72, m => m.memo.set(m.uint32(), m.top())],
    MEMOIZE: [0x94, m => m.memo.set(m.memo.size, m.top())],
    BINGET: [0x68, m => m.recall(m.uint8())],
    LONG_BINGET: [0x6a, m => m.recall(m.uint32())],

    GLOBAL: [0x63, m => m.name([m.line(), m.line()])],
    STACK_GLOBAL: [0x93, m => m.name(m.popMany(2))],
    REDUCE: [0x52, m => m.reduce()],
    BUILD: [0x62, m => m.build()],
    BINPERSID: [0x51, m => m.stack.push(m.vocabulary.load(m.pop()))],
  }

  private static readonly byCode = new Map(Object.values(PickleMachine.instructions))

  private readonly view: DataView
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  private readonly stack: unknown[] = []
  /** Where on the stack the items of unfinished tuples, lists and dictionaries begin. */
  private readonly marks: number[] = []
  private readonly memo = new Map<number, unknown>()
  private at = 0

  constructor(
    private readonly bytes: Uint8Array,
    private readonly vocabulary: PickleVocabulary,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  run(): unknown {
    for (let done = 0; done < MOST_INSTRUCTIONS; done++) {
      const code = this.uint8()
      if (code === 0x2e) return this.pop() // STOP
      this.step(code)
    }
    throw invalid(`it has more than ${MOST_INSTRUCTIONS} instructions`)
  }

  private step(code: number): void {
    const instruction = PickleMachine.byCode.get(code)
    if (instruction) {
      instruction(this)
      return
    }
    const name = REFUSED.get(code) ?? `0x${code.toString(16).padStart(2, '0')}`
    throw invalid(
      `its instruction ${name} at byte ${this.at - 1} is not one that only builds plain values, and was not run`,
    )
  }

  private protocol(version: number): void {
    if (version < 2 || version > 5) throw invalid(`its protocol is ${version}; 2 to 5 are known`)
  }

  /** Skips `count` bytes and says where they begin. */
  private take(count: number): number {
    const start = this.at
    if (start + count > this.bytes.length) throw invalid('it is cut off')
    this.at += count
    return start
  }

  private slice(length: number): Uint8Array {
    const start = this.take(length)
    return this.bytes.subarray(start, start + length)
  }

  private text(length: number): string {
    return this.decoder.decode(this.slice(length))
  }

  private uint8(): number {
    return this.bytes[this.take(1)]
  }

  private uint32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  private uint64(): number {
    return Number(this.view.getBigUint64(this.take(8), true))
  }

  /** A line of text, as the oldest instructions have it. */
  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0) throw invalid('it is cut off')
    const text = this.text(end - this.at)
    this.at++
    return text
  }

  /** An integer of `length` bytes in two's complement; one that a number cannot hold exactly is rounded. */
  private long(length: number): number {
    if (length > 8) throw invalid(`it has an integer of ${length} bytes`)
    let value = 0n
    for (const [i, byte] of this.slice(length).entries()) value |= BigInt(byte) << BigInt(8 * i)
    return Number(BigInt.asIntN(8 * length, value))
  }

  private pop(): unknown {
    return this.popMany(1)[0]
  }

  private popMany(count: number): unknown[] {
    const start = this.stack.length - count
    // Nothing before the last mark may be taken: it belongs to what is being built there.
    if (start < (this.marks.at(-1) ?? 0)) throw invalid(`its stack is empty at byte ${this.at - 1}`)
    return this.stack.splice(start)
  }

  private popToMark(): unknown[] {
    const mark = this.marks.pop()
    if (mark === undefined) throw invalid(`its stack has no mark at byte ${this.at - 1}`)
    return this.stack.splice(mark)
  }

  private top(): unknown {
    const value = this.pop()
    this.stack.push(value)
    return value
  }

  private append(items: unknown[]): void {
    const list = this.top()
    if (!Array.isArray(list)) throw invalid(`something is appended to what is no list at byte ${this.at - 1}`)
    for (const item of items) list.push(item)
  }

  private setItemsOfTop(items: unknown[]): void {
    this.setItems(this.top(), items)
  }

  private setItems(map: unknown, items: unknown[]): unknown {
    if (!(map instanceof Map) || items.length % 2 !== 0) {
      throw invalid(`it fills what is no dictionary at byte ${this.at - 1}`)
    }
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
    return map
  }

  private recall(index: number): void {
    const value = this.memo.get(index)
    if (value === undefined) throw invalid(`it recalls what it did not remember at byte ${this.at - 1}`)
    this.stack.push(value)
  }

  private name([module, name]: unknown[]): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      throw invalid('it names a function by something that is no text')
    const full = `${module}.${name}`
    if (!this.vocabulary.globals.has(full)) {
      throw invalid(
        `it uses ${full.slice(0, 100)}, which is none of the few that the tensors of a state_dict need, and was not run. ` +
          'Save the state_dict alone: torch.save(model.state_dict(), FILE)',
      )
    }
    this.stack.push(new PickleGlobal(full))
  }

  private reduce(): void {
    const [called, args] = this.popMany(2)
    if (!(called instanceof PickleGlobal) || !Array.isArray(args)) {
      throw invalid(`it calls what is no function at byte ${this.at - 1}`)
    }
    this.stack.push(this.vocabulary.call(called.name, args))
  }

  /** Attributes of an ordered dictionary (`_metadata` of a state_dict) are left out; nothing else may have any. */
  private build(): void {
    this.pop()
    if (!(this.top() instanceof Map))
      throw invalid(`it sets attributes of what is no dictionary at byte ${this.at - 1}`)
  }
}

function invalid(problem: string): FacewiseError {
  return new FacewiseError('MODEL_INVALID', `This pickle cannot be read: ${problem}.`)
}
