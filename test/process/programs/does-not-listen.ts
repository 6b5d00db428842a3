// Imports brood/process, listens to nothing, and has nothing to do: it must end by itself.
import '../../../src/process/index.ts'

process.send?.('started')
