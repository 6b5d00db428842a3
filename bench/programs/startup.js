// The smallest program that shows it has started; what comes before its line is Node's start and the preload's.
process.stdout.write('started\n')
