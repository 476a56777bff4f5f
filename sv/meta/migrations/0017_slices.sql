-- Nothing changes in here. From now on large event files may be ordered by slices of time, of which releases before would make wrong key
-- files: they refuse a folder of this version.
select 1;
