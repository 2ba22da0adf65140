from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pledges', '0010_hearing'),
    ]

    operations = [
        migrations.AlterField(
            model_name='share',
            name='kind',
            field=models.CharField(choices=[('cost', '处置费用'), ('pledgee_cost', '实现质权的费用'), ('interest', '利息'), ('principal', '本金'), ('subrogated', '已代偿的担保机构'), ('remainder', '余款退还出质人')], max_length=12, verbose_name='性质'),
        ),
    ]
