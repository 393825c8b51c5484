import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Readable } from 'node:stream'

import { MAX_OUTPUT_BYTES } from './child-process.ts'
import { CommandFailed, OutcomeUnknown } from './errors.ts'
import { END_OF_ANSWER, parseShellAnswer, type ShellAnswer } from './shell-answer.ts'

/** How a shell is started: the program `lvm` without arguments, with what stands before it. */
export interface ShellStart {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** lvm_split() in LVM's tools/lvmcmdline.c takes so many words of a line, and drops the rest. */
const MOST_WORDS = 63
/** A line that is longer than LVM has been seen to read is not tried. */
const MOST_CHARACTERS = 16_384
/** What is printed in ASCII, but for the quote: lvm_split() knows quotes and no way to write one inside of them. */
const PLAIN = /^[ -&(-~]+$/

/**
 * The line that a shell of lvm(8) takes for exactly these words. Undefined when there is none: a newline within a word
 * would be a second command.
 */
export const shellLine = (words: readonly string[]): string | undefined => {
  const line = `${words.map((word) => `'${word}'`).join(' ')}\n`
  const isPlain = words.every((word) => PLAIN.test(word))
  return isPlain && words.length <= MOST_WORDS && line.length <= MOST_CHARACTERS ? line : undefined
}

interface Question {
  readonly name: string
  readonly answer: PromiseWithResolvers<ShellAnswer>
}

/**
 * One process of `lvm` that reads commands from its input, lvm(8). It is asked one thing at a time. It ends when its
 * input does, so that it does not outlive this process by more than the command that it is at; while nobody waits for
 * an answer it keeps nothing of this process alive.
 */
export class LvmShell {
  readonly #child: ChildProcessWithoutNullStreams
  /** What it wrote since it was asked; joined once, because a report of a thousand volumes comes in many parts. */
  #parts: string[] = []
  #heardCharacters = 0
  #tail = ''
  #stderr = ''
  #question: Question | undefined
  #over: string | undefined
  #wasKilled = false

  /** Starts one; that it cannot be started shows when it is asked. */
  constructor({ file, args, env }: ShellStart) {
    // a group of its own: it can be killed with what it started, and a signal of a terminal is not for it
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env, detached: true })
    this.#child = child
    const report = child.stdio[3] as Readable
    this.#listen(report, (text) => this.#heard(text))
    this.#listen(
      this.#child.stderr,
      (text) => (this.#stderr = (this.#stderr + text).slice(-MAX_OUTPUT_BYTES)),
    )
    this.#child.stdout.on('error', () => undefined).resume()
    this.#child.stdin.on('error', () => undefined)
    child.once('error', (error) => this.#ended(`cannot be started: ${error.message}`))
    child.once('exit', (code, signal) => this.#ended(`ended with ${signal ?? `status ${code}`}`))
    child.unref()
    for (const stream of child.stdio) (stream as unknown as { unref?: () => void } | null)?.unref?.()
  }

  /** How it ended; undefined while it runs. */
  get over(): string | undefined {
    return this.#over
  }

  /** Whether it was this process that ended it before its time. */
  get wasKilled(): boolean {
    return this.#wasKilled
  }

  /**
   * Has it do the command of a line that shellLine made, and waits for the answer without a bound.
   *
   * @throws CommandFailed when it had ended before it was asked; OutcomeUnknown when it ended before it answered, or
   *   answered something else.
   */
  ask(name: string, line: string): Promise<ShellAnswer> {
    if (this.#over !== undefined)
      return Promise.reject(new CommandFailed(`lvm shell for "${name}"`, this.#over))
    if (this.#question !== undefined) throw new Error(`lvm shell is at "${this.#question.name}" still`)
    this.#forget()
    this.#question = { name, answer: Promise.withResolvers() }
    this.#child.stdin.write(line)
    return this.#question.answer.promise
  }

  /** Lets it end by itself, after the command that it is at. */
  end(): void {
    this.#child.stdin.end()
  }

  /** Ends it now, with what it has started. One that waits for a disk (state D) ends when that answers. */
  kill(): void {
    this.#wasKilled = true
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // it has just ended
    }
  }

  #listen(stream: Readable, onText: (text: string) => void): void {
    stream.setEncoding('utf8').on('data', onText)
    stream.on('error', () => undefined)
  }

  #heard(text: string): void {
    if (this.#over !== undefined) return
    this.#parts.push(text)
    this.#heardCharacters += text.length
    this.#tail = `${this.#tail}${text}`.slice(-END_OF_ANSWER.length)
    if (this.#heardCharacters > MAX_OUTPUT_BYTES) this.#giveUp('its answer does not end')
    else if (this.#tail === END_OF_ANSWER) this.#heardTheEnd()
  }

  #heardTheEnd(): void {
    const question = this.#question
    if (question === undefined) {
      this.#giveUp('it answers without being asked')
      return
    }
    const answer = parseShellAnswer(this.#parts.join(''), question.name, this.#stderr)
    if (answer === undefined) return
    this.#question = undefined
    // it is not for us to keep, and a report is large
    this.#forget()
    question.answer.resolve(answer)
  }

  #forget(): void {
    this.#parts = []
    this.#heardCharacters = 0
    this.#tail = ''
    this.#stderr = ''
  }

  /** What it does is not understood: it is asked nothing more. */
  #giveUp(why: string): void {
    this.#ended(why)
    this.end()
  }

  #ended(how: string): void {
    this.#over ??= how
    this.#forget()
    const question = this.#question
    this.#question = undefined
    question?.answer.reject(new OutcomeUnknown(`lvm ${question.name}`, `its shell ${how}`))
  }
}
