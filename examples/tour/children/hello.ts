// Greets on stdout, with whatever it was given as argument.
console.log(`hello from child ${process.argv[2]}`)
