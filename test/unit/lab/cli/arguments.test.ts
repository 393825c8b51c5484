import { expect } from 'chai'
import { LOG_NAMES, parseCommandLine, UsageError } from '../../../lab/cli/arguments.ts'

const command = (line: string) => parseCommandLine(line.split(' ').filter(Boolean)).command

describe('command line of the lab', () => {
  it('has defaults for up', () => {
    expect(command('up')).to.deep.equal({
      name: 'up',
      nodes: 3,
      disks: { count: 2, sizeBytes: 1_073_741_824 },
      withLoam: true,
    })
  })

  it('reads all options of up, in both spellings', () => {
    const expected = { name: 'up', nodes: 1, disks: { count: 3, sizeBytes: 268_435_456 }, withLoam: false }
    expect(command('up --nodes 1 --disks 3x256MiB --without-loam')).to.deep.equal(expected)
    expect(command('up --without-loam --disks=3x256Mi --nodes=1')).to.deep.equal(expected)
  })

  it('takes a lab without disks', () => {
    expect(command('up --disks 0x64MiB')).to.deep.include({ disks: { count: 0, sizeBytes: 67_108_864 } })
  })

  it('passes everything after kubectl through', () => {
    expect(command('kubectl get pods --nodes -o wide')).to.deep.equal({
      name: 'kubectl',
      argv: ['get', 'pods', '--nodes', '-o', 'wide'],
    })
  })

  it('keeps a command for a node apart from its own words', () => {
    expect(command('exec node1 -- lvs -o name')).to.deep.equal({
      name: 'exec',
      node: 'node1',
      argv: ['lvs', '-o', 'name'],
    })
  })

  it('reads nodes and disks', () => {
    expect(command('cut node2')).to.deep.equal({ name: 'cut', node: 'node2' })
    expect(command('pull node2 b')).to.deep.equal({ name: 'pull', node: 'node2', disk: 'b' })
    expect(command('load a.tar')).to.deep.equal({ name: 'load', file: 'a.tar' })
  })

  it('shows the agent of all nodes when logs is told nothing', () => {
    expect(command('logs')).to.deep.equal({ name: 'logs', node: undefined, log: 'agent' })
    expect(command('logs node1')).to.deep.equal({ name: 'logs', node: 'node1', log: 'agent' })
    for (const log of LOG_NAMES) {
      expect(command(`logs ${log}`)).to.deep.equal({ name: 'logs', node: undefined, log })
      expect(command(`logs node1 ${log}`)).to.deep.equal({ name: 'logs', node: 'node1', log })
    }
  })

  it('takes another directory before the command', () => {
    const parsed = parseCommandLine(['--lab', '/tmp/x', 'status'])
    expect(parsed).to.deep.equal({ lab: '/tmp/x', command: { name: 'status' } })
    expect(parseCommandLine(['status']).lab).to.equal(undefined)
  })

  it('explains itself when asked, or when told nothing', () => {
    for (const line of ['', 'help', '--help', '-h']) expect(command(line)).to.deep.equal({ name: 'help' })
  })

  const refused: readonly (readonly [string, ...string[]])[] = [
    ['go', 'command', '"go"', 'up, down'],
    ['up --nodes 0', '--nodes', '"0"', '1 to 9'],
    ['up --nodes three', '--nodes', '"three"', '1 to 9'],
    ['up --disks 2', '--disks', '"2"', '2x1GiB'],
    ['up --disks 9x1GiB', '--disks', '"9x1GiB"', '0 to 8'],
    ['up --disks 1x1MiB', '--disks', '"1x1MiB"', '64MiB'],
    ['up --disks 1x-1GiB', '--disks', '"1x-1GiB"'],
    ['up --disks 1x100000001', '--disks', 'multiple of 512'],
    ['up --node 1', 'up', "'--node'", '--nodes NUMBER'],
    ['up now', 'up', "'now'"],
    ['down now', 'down', '"now"'],
    ['cut', 'cut: NODE', 'missing'],
    ['cut node1 node2', 'cut', '"node2"', 'cut NODE'],
    ['pull node1', 'pull: DISK', 'missing', 'pull NODE DISK'],
    ['exec node1 ls', 'exec', '"node1 ls"', 'exec NODE -- COMMAND'],
    ['exec node1 --', 'exec', 'exec NODE -- COMMAND'],
    ['logs node1 node2', 'logs', '"node2"', 'kubelet'],
    ['load', 'load: FILE.tar', 'missing'],
    ['--lab', '--lab', 'missing'],
    ['toString', 'command', '"toString"'],
  ]
  for (const [line, ...parts] of refused)
    it(`refuses "${line}" and says what is allowed`, () => {
      expect(() => command(line))
        .to.throw(UsageError)
        .that.satisfies(({ message }: UsageError) => {
          for (const part of parts) expect(message).to.contain(part)
          return true
        })
    })
})
