// A cluster whose primary asks its workers; prints what came of each question as JSON, then ends.
import cluster from 'brood/cluster'

if (cluster.isPrimary) {
  const seen = []
  cluster.on('message', (_worker, message) => seen.push(message))
  const worker = cluster.fork()
  await new Promise((resolve) => worker.once('message', resolve))
  const ask = async (name, value, options) => {
    try {
      return await cluster.request(worker, name, value, options)
    } catch (error) {
      return error.code
    }
  }
  const answers = {
    double: await ask('double', 21),
    nobody: await ask('nobody'),
    throws: await ask('throws'),
    never: await ask('never', undefined, { timeout: 20 }),
    dies: await ask('dies'),
    dead: await ask('double', 1),
    seen,
  }
  console.log(JSON.stringify(answers))
} else {
  const { parent } = await import('brood/process/parent')
  parent.answer('double', (value) => value * 2)
  parent.answer('throws', () => {
    throw new Error('no')
  })
  parent.answer('never', () => new Promise(() => {}))
  parent.answer('dies', () => process.exit(1))
  process.send('a message of the program')
}
