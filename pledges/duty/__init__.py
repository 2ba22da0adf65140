"""Who is at their desk and who stands aside: absences, files of absent clerks, recusals."""
