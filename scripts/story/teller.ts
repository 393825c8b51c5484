import { waitFor } from '../../test/lab/runtime/wait.ts'
import type { Lab } from '../../test/lab/lab.ts'

/** A step did not go as told. */
export class NotAsTold extends Error {
  override readonly name = 'NotAsTold'
}

/** How long the story waits for one thing. */
export const WAIT_MS = 300_000

/** Tells the story: shows commands with their real output, and stops at the first thing that is not as told. */
export class Teller {
  readonly lab: Lab
  readonly #write: (text: string) => void

  constructor(lab: Lab, write: (text: string) => void) {
    this.lab = lab
    this.#write = write
  }

  say(text: string): void {
    this.#write(`${text}\n`)
  }

  /** Runs kubectl, shows it and what it printed, and gives the output. */
  async kubectl(...argv: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.lab.kubectl(argv)
    return this.#shown(`scripts/lab kubectl ${argv.join(' ')}`, { stdout, stderr, exitCode })
  }

  /** Applies a manifest, which is shown whole. */
  async apply(manifest: string): Promise<void> {
    const { stdout, stderr, exitCode } = await this.lab.kubectl(['apply', '-f', '-'], manifest)
    this.#shown(`scripts/lab kubectl apply -f - <<END\n${manifest}END`, { stdout, stderr, exitCode })
  }

  /** Runs a command on a node, shows it and what it printed, and gives the output. */
  async onNode(node: string, ...command: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await (await this.lab.vm(node)).exec(command)
    return this.#shown(`scripts/lab exec ${node} -- ${command.join(' ')}`, { stdout, stderr, exitCode })
  }

  /** The story goes on only when this is so. */
  expect(isSo: boolean, what: string): void {
    if (!isSo) throw new NotAsTold(`expected ${what}`)
    this.say(`  ✔ ${what}`)
  }

  /** Waits until this is so. */
  async until(what: string, ask: () => Promise<boolean>): Promise<void> {
    await waitFor({ what, timeoutMs: WAIT_MS }, ask)
    this.say(`  ✔ ${what}`)
  }

  /** Output of kubectl that is not part of the story. */
  async ask(...argv: string[]): Promise<string> {
    return (await this.lab.kubectl(argv)).stdout
  }

  #shown(command: string, result: { stdout: string; stderr: string; exitCode: number }): string {
    const output = [result.stdout, result.stderr].map((text) => text.trimEnd()).filter((text) => text !== '')
    this.say(`\n$ ${command}\n${output.join('\n')}`)
    if (result.exitCode !== 0) throw new NotAsTold(`"${command}" ended with status ${result.exitCode}`)
    return result.stdout
  }
}
